#pragma once

// The snapshot as JSON: documented by docs/status.schema.json, whose version stands in it.

#include "status/snapshot.h"

#include <span>
#include <string>

namespace lync::status {

/// Grows when a member goes or changes its meaning; members may be added within a version.
inline constexpr int schema_version = 1;

/// Whole and in one line, UTF-8.
std::string to_json(const Snapshot& snapshot);

/// Of its servers alone, what they are and what they have to do now: for `lyncctl servers`. Members
/// as in the whole; `machine`, if there is one, is the member "machine".
std::string servers_to_json(const Snapshot& snapshot, const Machine* machine = nullptr);

/// Of its shields alone, for `lyncctl shields`.
std::string shields_to_json(const Snapshot& snapshot);
/// Whom `lockout` holds, of `count` in all: for `lyncctl lockout list`.
std::string held_to_json(std::span<const HeldOne> held, std::size_t count,
                         const std::optional<LockoutStore>& store);

/// `text` as a JSON string, quotes included. What isn't UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

} // namespace lync::status
