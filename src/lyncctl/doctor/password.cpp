#include "lyncctl/doctor/examiner.h"
#include "lyncctl/failure.h"

#include <array>
#include <fcntl.h>
#include <openssl/ui.h>
#include <system_error>
#include <unistd.h>

namespace lync::lyncctl::doctor {

namespace {

constexpr std::size_t longest_password = 1024; ///< Windows' own limit is 256 characters

std::string first_line(int descriptor) {
    std::string line;
    for (char byte = 0; line.size() <= longest_password; line += byte) {
        const ssize_t count = read(descriptor, &byte, 1);
        if (count < 0) {
            throw Failure("the password can't be read: " + std::generic_category().message(errno));
        }
        if (count == 0 || byte == '\n') {
            if (line.ends_with('\r')) {
                line.pop_back();
            }
            return line;
        }
    }
    throw Failure("the password is longer than " + std::to_string(longest_password) + " bytes");
}

} // namespace

std::string read_password(int descriptor, const std::string& user) {
    if (descriptor >= 0) {
        return first_line(descriptor);
    }
    if (const Connection terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)); !terminal) {
        throw Failure("there is no terminal to ask for a password: give it with --password-fd");
    }
    std::array<char, longest_password> line{};
    const std::string question = "Password of " + shown(user, 100) + ": ";
    const int status =
        UI_UTIL_read_pw_string(line.data(), static_cast<int>(line.size()), question.c_str(), 0);
    if (status != 0) {
        throw Failure(status == -2 ? "interrupted, nothing was looked at"
                                   : "the terminal can't be asked for a password: give it with "
                                     "--password-fd");
    }
    return line.data();
}

} // namespace lync::lyncctl::doctor
