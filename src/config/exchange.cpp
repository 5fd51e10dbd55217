// services ews|autodiscover|owa|ecp|activesync|mapi|oab|rpc ... [timeout=TIME] [max_upload=SIZE]

#include "config/declare.h"

#include <algorithm>

namespace lync::config {

namespace {

const policy::ExchangeService& find_service(std::string_view word, const Directive& directive,
                                            const Directive& farm_block) {
    const auto known = policy::exchange_services();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [word](const auto& each) { return each.word == word; });
    if (found == known.end()) {
        std::string words;
        for (const policy::ExchangeService& each : known) {
            words += std::string(each.word) + ", ";
        }
        config::invalid_value(word, directive, farm_block,
                              word == "powershell"
                                  ? "remote PowerShell is never published"
                                  : "it may be " + words + "timeout=TIME or max_upload=SIZE");
    }
    return *found;
}

/// One line; its limits are those of its services.
void read_line(const Directive& directive, const Directive& farm_block,
               std::vector<FarmService>& services) {
    const std::size_t first = services.size();
    std::string timeout;
    std::string max_upload;
    SeenParameters seen;
    for (const std::string& word : directive.arguments) {
        const Parameter parameter(word);
        if (parameter.has_value && parameter.name == "timeout") {
            read_time(parameter.value, directive, farm_block);
            timeout = parameter.value;
        } else if (parameter.has_value && parameter.name == "max_upload") {
            max_upload = read_size(parameter.value, directive, farm_block);
        } else {
            const policy::ExchangeService& known = find_service(word, directive, farm_block);
            if (has_service(services, known.service)) {
                config::invalid_value(word, directive, farm_block, "it is duplicate");
            }
            services.push_back(
                {known.service, std::string(known.timeout), std::string(known.max_upload)});
            continue;
        }
        seen.add(parameter.name, directive, farm_block);
    }
    if (first == services.size()) {
        throw Mistake("no service" + config::in_directive(directive, farm_block) +
                          ": write before the limits which services they are for",
                      directive.place);
    }
    for (std::size_t i = first; i < services.size(); i++) {
        if (!timeout.empty()) {
            services[i].timeout = timeout;
        }
        if (!max_upload.empty()) {
            services[i].max_upload = max_upload;
        }
    }
}

} // namespace

bool has_service(const std::vector<FarmService>& services, policy::Service service) noexcept {
    return std::any_of(services.begin(), services.end(),
                       [service](const FarmService& each) { return each.service == service; });
}

std::vector<FarmService> read_services(const Directive& farm_block) {
    std::vector<FarmService> services;
    for (const auto& child : farm_block.children) {
        if (child->name == "services") {
            read_line(*child, farm_block, services);
        }
    }
    if (services.empty()) { // what Lync clients need
        Directive needed;
        needed.arguments = {"ews", "autodiscover"};
        read_line(needed, farm_block, services);
    }
    return services;
}

void remark_services(const Farm& farm, std::vector<Diagnostic>& remarks) {
    const bool ecp = has_service(farm.services, policy::Service::exchange_admin);
    if (ecp) {
        remarks.push_back(
            {Severity::warning,
             "\"ecp\" in \"services\" of " + quoted_title(farm) +
                 " publishes the Exchange admin center beside the Options of Outlook on the web: "
                 "turn it off there, \"Set-EcpVirtualDirectory -AdminEnabled $false\"",
             farm.place});
    } else if (has_service(farm.services, policy::Service::owa)) {
        remarks.push_back({Severity::notice,
                           "\"owa\" in \"services\" of " + quoted_title(farm) +
                               ": its Options page needs \"ecp\", which isn't published",
                           farm.place});
    }
}

} // namespace lync::config
