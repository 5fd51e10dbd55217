#pragma once

// What the doctor can find (finding_catalog.inc), and the findings of one run.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

enum class Severity : std::uint8_t {
    error,   ///< clients fail, or something is open that has to be closed
    warning, ///< some clients fail, or all will before long
};
std::string_view severity_name(Severity severity) noexcept;

/// One thing that can be found, worst first.
enum class Id : std::uint8_t {
#define LYNC_FINDING(id, severity, cause, remedy) id,
#include "lyncctl/doctor/finding_catalog.inc"
#undef LYNC_FINDING
};

struct Kind {
    Id id;
    Severity severity;
    std::string name;        ///< "dns-no-such-name": stable, scripts may compare it
    std::string_view cause;  ///< what it means, whole sentences without the final full stop
    std::string_view remedy; ///< what to do about it, likewise
};

/// All kinds, worst first.
std::span<const Kind> kinds();
const Kind& kind_of(Id id);

/// One finding. What has the same cause in many places is one finding with many places.
struct Finding {
    const Kind* kind = nullptr;
    std::string key;                ///< findings of one kind with the same key are the same thing
    std::vector<std::string> where; ///< names, URLs or servers, in the order they were met
    std::string what;               ///< what was seen, a sentence without the final full stop
};

/// The findings of one run.
class Findings {
public:
    /// Adds a finding, or a place to one that is known. `key` is what makes it the same.
    void add(Id id, std::string_view where, std::string_view key, std::string what);

    bool has(Id id, std::string_view key) const;

    /// Worst first; those of one kind in the order they were met.
    std::vector<Finding> worst_first() const;

    std::size_t size() const noexcept { return findings_.size(); }

private:
    std::vector<Finding> findings_;
};

/// Text that came from outside, fit for a terminal: bytes that aren't printable ASCII become "?",
/// what is longer than `most` is cut.
std::string shown(std::string_view text, std::size_t most = 160);

/// The same in quotes.
std::string quoted(std::string_view text);

/// "a, b and 7 more".
std::string some_of(const std::vector<std::string>& names, std::size_t most);

} // namespace lync::lyncctl::doctor
