#pragma once

// A server's response to a health check, judged byte by byte as it arrives: nothing is allocated,
// only a few texts are kept, and a response of any size and form yields a finding.
//
// Autodiscover [MS-OCDISCWS, 3.1]: asked without Accept, the service answers a Root document with
// `AccessLocation`, which is Internal when the INTERNAL web site answered. UCWA's dialect has no
// AccessLocation; there the host of the self link names the site.

#include "balance/check_document.h"
#include "balance/health.h"
#include "base/build.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lync::balance {

/// What is asked for.
enum class Document : std::uint8_t {
    autodiscover, ///< GET /Autodiscover/AutodiscoverService.svc/root: External, JSON or XML
    discovery,    ///< GET /hosting/discovery: an XML document <wopi-discovery>
    healthcheck,  ///< GET /SERVICE/healthcheck.htm: a body that begins with "200 OK"
};

/// The answer to one GET over HTTP/1.0 or 1.1.
class CheckAnswer {
public:
    /// Begins anew. `internal` is the name by which the INTERNAL web site calls itself; it has to
    /// stay where it is. Only autodiscover needs it.
    void begin(Document document, std::string_view internal = {}) noexcept;

    /// Takes the next bytes that the server sent. True when the matter is settled.
    bool take(std::string_view bytes) noexcept;

    /// Before that the server has closed the connection, in good order or `broken`.
    void end(bool broken) noexcept;

    bool settled() const noexcept { return settled_; }

    /// Reason::none, status, internal, no_answer or broken_off. Only once settled.
    const Finding& finding() const noexcept { return finding_; }

    /// The build that the server has reported; 0: none yet.
    Build build() const noexcept { return build_; }

    /// Whether another request may follow on the same connection. Only once settled.
    bool keeps_connection() const noexcept { return settled_ && at_end_ && keeps_; }

    static constexpr std::size_t longest_head = 65536;
    static constexpr std::size_t longest_body = 4 * 1024 * 1024;

private:
    enum class Part : std::uint8_t {
        head,       ///< status line and header lines
        length,     ///< a body of known length
        till_close, ///< a body that ends with the connection
        chunk_size,
        chunk_data,
        chunk_end, ///< the line end after a chunk's data
        trailer,
    };

    void settle(Reason reason, std::uint32_t detail = 0) noexcept;
    void take_line_byte(char c) noexcept;
    void take_line() noexcept;
    void take_status_line(std::string_view line) noexcept;
    void take_header(std::string_view line) noexcept;
    void head_ends() noexcept;
    void take_chunk_size(std::string_view line) noexcept;
    void take_body(std::string_view bytes) noexcept;
    bool take_body_byte(char c) noexcept;
    void body_ends() noexcept;
    Reason judge() const noexcept;

    Document document_ = Document::autodiscover;
    std::string_view internal_;
    Finding finding_;
    Build build_ = 0;
    bool settled_ = false;
    bool at_end_ = false; ///< the answer was read to its end
    bool keeps_ = false;

    Part part_ = Part::head;
    bool first_line_ = true;
    bool interim_ = false; ///< a 1xx, after which the real head comes
    std::uint32_t status_ = 0;
    bool chunked_ = false;
    bool has_length_ = false;
    std::uint64_t left_ = 0; ///< of a body of known length, or of a chunk

    std::array<char, 256> line_{}; ///< of head, chunk size or trailer: as much as matters
    std::size_t line_length_ = 0;  ///< of the whole line
    std::size_t head_size_ = 0;
    std::size_t body_size_ = 0;

    bool begun_ = false;      ///< the body: spaces and a byte order mark may stand before it
    std::size_t matched_ = 0; ///< of "200 OK"
    CheckDocument found_;
};

} // namespace lync::balance
