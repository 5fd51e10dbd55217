#pragma once

// The three forms of a snapshot: JSON for programs, Prometheus' text, the page for people.

#include "status/snapshot.h"

#include <span>
#include <string>
#include <string_view>

namespace lync::status {

/// What a request for the status wants.
enum class Format : unsigned char { html, json, prometheus, unknown };

/// `argument` is the value of ?format= (empty: none was written), `accept` the Accept field,
/// `scraped` whether Prometheus' own field of its timeout came with the request.
Format choose_format(std::string_view argument, std::string_view accept, bool scraped) noexcept;

/// Of the JSON, which docs/status.schema.json documents. Grows when a member goes or changes its
/// meaning; members may be added within a version.
inline constexpr int schema_version = 1;

/// Whole and in one line, UTF-8.
std::string to_json(const Snapshot& snapshot);

/// The servers alone, with their current load: for `lyncctl servers`. Members as in the whole;
/// `machine`, if there is one, is the member "machine".
std::string servers_to_json(const Snapshot& snapshot, const Machine* machine = nullptr);

/// The shields alone, for `lyncctl shields`.
std::string shields_to_json(const Snapshot& snapshot);
/// What `lockout` holds, of `count` in all: for `lyncctl lockout list`.
std::string held_to_json(std::span<const HeldOne> held, std::size_t count,
                         const std::optional<LockoutStore>& store);

/// `text` as a JSON string, quotes included. What isn't UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Prometheus' text format, version 0.0.4. Units in the names, `_total` for what only grows,
/// histograms with cumulative buckets. Labels take their values from the configuration and from
/// enumerations, never from a client.
std::string to_prometheus(const Snapshot& snapshot);
inline constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";

/// page.html, one document that asks for nothing but this endpoint's JSON; lives as long as the
/// module is loaded.
std::string_view page() noexcept;

/// The Content-Security-Policy under which `document` works and nothing else does: its own inline
/// style and script by their hashes, requests to where it came from, no other resource.
std::string content_security_policy(std::string_view document);

} // namespace lync::status
