#pragma once

// What the doctor can find (finding_catalog.inc), and the findings of one run.

#include "base/diagnostic.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lync::lyncctl::doctor {

/// One thing that can be found, worst first.
enum class Id : std::uint8_t {
#define LYNC_FINDING(id, severity, found, cause, remedy) id,
#include "lyncctl/doctor/finding_catalog.inc"
#undef LYNC_FINDING
};

/// A row of the catalogue. All texts are sentences without the final full stop.
struct Kind {
    Id id;
    /// "error": clients fail, or something is open that has to be closed; "warning": some clients
    /// fail, or all will before long.
    std::string_view severity;
    std::string name;        ///< "dns-no-address": stable, scripts may compare it
    std::string_view found;  ///< what was seen, with {0} and so on for the words of the case
    std::string_view cause;  ///< what it means
    std::string_view remedy; ///< what to do about it
};

std::span<const Kind> kinds();
const Kind& kind_of(Id id);

/// What {0}, {1} ... of `Kind::found` stand for. They may be a stranger's: `found_text` makes them
/// printable and short.
using Words = std::vector<std::string>;
std::string found_text(Id id, const Words& words);

/// Why a step failed: what it is, and how its source (the system, a library, a server) words it.
struct Fault {
    Id id;
    std::string detail;
};

/// Where findings of one place go. `key`: findings of one kind with the same key are one finding.
using Report = std::function<void(Id id, const std::string& key, const Words& words)>;

/// One finding. What has the same cause in many places is one finding with many places.
struct Finding {
    const Kind* kind = nullptr;
    std::string key;
    std::vector<std::string> where; ///< names, URLs or servers, in the order they were met
    std::string what;               ///< what was seen: printable
};

class Findings {
public:
    /// Adds a finding, or a place to one that is known.
    void add(Id id, const std::string& where, const std::string& key, const Words& words);

    std::vector<Finding> worst_first() const;

private:
    std::vector<Finding> findings_;
};

/// Text from outside, fit for a terminal: what isn't printable ASCII becomes "?", a long text is
/// cut.
std::string shown(std::string_view text, std::size_t most = 160);

} // namespace lync::lyncctl::doctor
