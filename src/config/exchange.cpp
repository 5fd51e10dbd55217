// services ews|autodiscover|owa|ecp|activesync|mapi|oab|rpc ... [timeout=TIME] [max_upload=SIZE]

#include "config/declare.h"

#include <algorithm>
#include <span>

namespace lync::config {

namespace {

const policy::ExchangeService& find_service(std::string_view word, const Directive& directive) {
    const auto known = policy::exchange_services();
    const auto found =
        std::ranges::find_if(known, [word](const auto& each) { return each.word == word; });
    if (found == known.end()) {
        invalid_value(word, directive,
                      word == "powershell" ? "remote PowerShell is never published" : "");
    }
    return *found;
}

/// One line; its limits are those of its services.
void read_line(const Directive& directive, std::vector<FarmService>& services) {
    const std::size_t first = services.size();
    std::string timeout;
    std::string max_upload;
    each_parameter(directive, 0, [&](const Parameter& parameter) {
        if (parameter.has_value && parameter.name == "timeout") {
            read_time(parameter.value, directive);
            timeout = parameter.value;
            return;
        }
        if (parameter.has_value && parameter.name == "max_upload") {
            max_upload = read_size(parameter.value, directive);
            return;
        }
        const policy::ExchangeService& known = find_service(parameter.text, directive);
        if (has_service(services, known.service)) {
            invalid_value(parameter.text, directive, "it is duplicate");
        }
        services.push_back(
            {known.service, std::string(known.timeout), std::string(known.max_upload)});
    });
    if (first == services.size()) {
        throw mistake(directive.place,
                      "no service in {}: write before the limits which services they are for",
                      title(directive));
    }
    for (FarmService& service : std::span(services).subspan(first)) {
        service.timeout = timeout.empty() ? service.timeout : timeout;
        service.max_upload = max_upload.empty() ? service.max_upload : max_upload;
    }
}

} // namespace

bool has_service(const std::vector<FarmService>& services, policy::Service service) noexcept {
    return std::ranges::any_of(
        services, [service](const FarmService& each) { return each.service == service; });
}

std::vector<FarmService> read_services(const Directive& farm_block) {
    std::vector<FarmService> services;
    each(farm_block, "services", [&](const Directive& line) { read_line(line, services); });
    if (services.empty()) { // what Lync clients need
        Directive needed;
        needed.arguments = {"ews", "autodiscover"};
        read_line(needed, services);
    }
    return services;
}

void remark_services(const Farm& farm, std::vector<Diagnostic>& remarks) {
    const bool ecp = has_service(farm.services, policy::Service::exchange_admin);
    if (ecp) {
        warn(remarks, farm.place,
             "\"ecp\" in \"services\" of {} publishes the Exchange admin center beside the Options "
             "of Outlook on the web: turn it off there, \"Set-EcpVirtualDirectory -AdminEnabled "
             "$false\"",
             quoted_title(farm));
    } else if (has_service(farm.services, policy::Service::owa)) {
        remark(
            remarks, Severity::notice, farm.place,
            "\"owa\" in \"services\" of {}: its Options page needs \"ecp\", which isn't published",
            quoted_title(farm));
    }
}

} // namespace lync::config
