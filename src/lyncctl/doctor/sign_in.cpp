#include "lyncctl/doctor/sign_in.h"

#include "lyncctl/failure.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <termios.h>
#include <unistd.h>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::size_t longest_password = 1024; ///< Windows' own limit is 256 characters

/// No echo while one lives.
class Silence {
public:
    explicit Silence(int terminal) : terminal_(terminal) {
        if (tcgetattr(terminal, &before_) != 0) {
            throw Failure("the terminal can't be asked for a password: give it with "
                          "--password-fd");
        }
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent.c_lflag |= ECHONL;
        tcsetattr(terminal, TCSAFLUSH, &silent);
    }
    ~Silence() { tcsetattr(terminal_, TCSAFLUSH, &before_); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    int terminal_;
    termios before_{};
};

std::string first_line(int descriptor) {
    const Deadline unending(std::chrono::hours(1));
    std::string line;
    for (;;) {
        char byte = 0;
        throw_if_interrupted();
        wait_for(descriptor, POLLIN, unending);
        const ssize_t count = read(descriptor, &byte, 1);
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            throw Failure("the password can't be read: " + std::generic_category().message(errno));
        }
        if (count == 0 || (count == 1 && byte == '\n')) {
            break;
        }
        if (count == 1) {
            line += byte;
        }
        if (line.size() > longest_password) {
            throw Failure("the password is longer than " + std::to_string(longest_password) +
                          " bytes");
        }
    }
    if (!line.empty() && line.back() == '\r') {
        line.pop_back();
    }
    return line;
}

} // namespace

bool sign_in_at(Examiner& examiner, HttpRequest request, const std::string& ca_file,
                const std::string& where, Examination& written) {
    request.verify_ca = ca_file;
    request.ntlm = &*examiner.settings().credentials;
    examiner.begin("sign-in at " + where);
    const HttpAnswer answer = examiner.http().get(request, examiner.deadline());

    if (answer.outcome == HttpAnswer::Outcome::tls) {
        written.findings.add(Id::sign_in_skipped, where, "", "TLS fails: " + shown(answer.detail));
        return true;
    }
    if (answer.outcome == HttpAnswer::Outcome::answered && answer.status != 401 &&
        answer.status < 500) {
        written.signed_in.push_back(where);
        return true;
    }
    if (answer.outcome != HttpAnswer::Outcome::answered) {
        written.findings.add(Id::sign_in_broken, where, "",
                             answer.challenged
                                 ? "the connection breaks after the server's challenge"
                                 : "there is no answer to the first NTLM message");
        return true;
    }
    if (answer.status >= 500) {
        written.findings.add(Id::http_server_error, where, "sign-in",
                             "the sign-in is answered with " + status_text(answer.status));
        return true;
    }
    if (!answer.challenged) {
        written.findings.add(Id::sign_in_broken, where, "",
                             "the first NTLM message isn't answered with a challenge");
        return true;
    }
    if (answer.connections > 1) {
        written.findings.add(Id::sign_in_broken, where, "",
                             "the connection was closed between the messages of the handshake");
        return true;
    }
    written.findings.add(Id::sign_in_refused, where, "",
                         shown(request.ntlm->user, 100) + " is refused");
    return false;
}

std::string read_password(int descriptor, const std::string& user) {
    if (descriptor >= 0) {
        return first_line(descriptor);
    }
    const Connection terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (!terminal) {
        throw Failure("there is no terminal to ask for a password: give it with --password-fd");
    }
    const std::string question = "Password of " + shown(user, 100) + ": ";
    [[maybe_unused]] const ssize_t ignored = write(terminal.fd(), question.data(), question.size());
    const Silence silence(terminal.fd());
    return first_line(terminal.fd());
}

} // namespace lync::lyncctl::doctor
