#pragma once

// One connection to a Redis, or to what speaks like it, in nginx's event loop. hiredis writes the
// commands and reads the answers; sockets, TLS and timers are nginx's. (hiredis's own connections
// have no TLS before its version 1.0.)
//
// Answers come in the order of the questions. One that doesn't come in time ends the connection,
// and its end is reported to all that wait: nothing ever waits longer than `patience`.

#include "nginx/ngx.h"
#include "nginx/timer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace lync::nginx {

/// A reply, flattened to its numbers in order. A string of hexadecimal digits is one number for
/// every sixteen of them, and a letter before them another.
struct Reply {
    std::array<std::uint64_t, 4096> number;
    std::size_t size = 0;
    bool is_error = false;
    std::array<char, 128> error; ///< the beginning of the server's words

    bool add(std::uint64_t value) noexcept {
        return size < number.size() && (number[size++] = value, true);
    }
};

class Redis {
public:
    static constexpr ngx_msec_t patience = 250;
    static constexpr std::size_t most_questions = 512;

    /// Where it is, and the credentials. Immutable, of the configuration.
    struct Server {
        std::string shown; ///< in logs
        std::string host;  ///< whose name its certificate has
        std::vector<ngx_addr_t> addresses;
        ngx_ssl_t* tls = nullptr;
        std::vector<std::vector<std::string>> greeting; ///< commands that begin each connection
    };

    /// What is asked, for the owner to know it again.
    struct Question {
        enum class Kind : std::uint8_t { greeting, account, source, changes } kind;
        void* asker; ///< NULL: nothing waits
        std::uint64_t tag;
        ngx_msec_t asked;
    };

    struct Owner {
        virtual void on_there() = 0;
        /// Once, for a connection that was there, and each time that all addresses have been tried.
        /// `why` and `more` say what is wrong.
        virtual void on_away(std::string_view why, std::string_view more) = 0;
        /// NULL: there is no answer.
        virtual void on_answer(const Question& question, const Reply* reply) = 0;

    protected:
        ~Owner() = default;
    };

    Redis(const Server& server, Owner& owner);
    ~Redis();
    Redis(const Redis&) = delete;

    void start() noexcept;
    /// No more questions; those that wait get no answer.
    void stop() noexcept;
    bool is_there() const noexcept { return there_; }
    std::size_t room() const noexcept { return most_questions - count_; }

    /// False if it can't be asked now: nothing has happened then.
    bool ask(std::span<const std::string_view> words, Question::Kind kind, void* asker,
             std::uint64_t tag) noexcept;
    /// The request that asked has ended.
    void forget(const void* asker) noexcept;

private:
    static void on_event(ngx_event_t* event);
    static void on_handshake(ngx_connection_t* c);
    void on_time() noexcept;
    void connect() noexcept;
    void connected() noexcept;
    void greet() noexcept;
    void send() noexcept;
    void receive() noexcept;
    bool take(const Reply& reply) noexcept;
    Question next_question() noexcept;
    void set_time() noexcept;
    void close_by(int error) noexcept;
    void close(std::string_view why, std::string_view more = {}) noexcept;

    const Server& server_;
    Owner& owner_;
    ngx_log_t log_{};
    ngx_connection_t* connection_ = nullptr;
    redisReader* reader_ = nullptr;
    bool connecting_ = false; ///< TLS included
    bool there_ = false;
    bool trusted_ = false; ///< it took the password: its words may be logged
    bool stopped_ = true;
    std::size_t address_ = 0;                  ///< of Server::addresses
    ngx_msec_t began_ = 0;                     ///< to connect
    ngx_msec_t pause_ = 0;                     ///< before the next connection
    Timer time_{this, calls<&Redis::on_time>}; ///< for an answer, or until the next connection
    std::array<Question, most_questions> questions_; ///< a ring
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::array<u_char, 256 * 1024> out_;
    std::size_t sent_ = 0;
    std::size_t written_ = 0;
    Reply reply_;
};

} // namespace lync::nginx
