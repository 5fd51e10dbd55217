
#include "base/descriptor.h"
#include "base/format.h"
#include "base/names.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/doctor/examiner.h"
#include "lyncctl/doctor/questions.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <fcntl.h>
#include <openssl/ui.h>
#include <stdexcept>

namespace lync::lyncctl {

namespace {

using namespace doctor;

Settings settings_of(const DoctorOptions& options) {
    Settings settings;
    if (!(options.timeout > 0 && options.timeout <= 600)) { // "nan" is a number to CLI11
        throw Failure("invalid --timeout: seconds, more than 0 and at most 600");
    }
    settings.time_limit = std::chrono::milliseconds(std::lround(std::ceil(options.timeout * 1000)));
    try {
        for (const std::string& text : options.connect_to) {
            settings.rules.push_back(parse_connect_to(text));
        }
        for (const std::string& text : options.resolve) {
            settings.rules.push_back(parse_resolve(text));
        }
        const Resolver checked(options.dns);
    } catch (const std::invalid_argument& error) {
        throw Failure(error.what());
    }
    settings.dns_servers = options.dns;
    settings.ca_file = options.ca;
    for (const std::string& text : options.domains) {
        const ParsedName parsed = parse_fqdn(text); // never "*"
        if (!parsed) {
            throw Failure(formatted("invalid domain \"{}\" in --domain: {}", text, parsed.error));
        }
        settings.domains.push_back(parsed.name);
    }
    return settings;
}

/// A mistyped --domain would leave nothing to ask, and no finding.
void require_published(const std::vector<std::string>& domains,
                       const Configuration& configuration) {
    for (const std::string& domain : domains) {
        if (std::ranges::none_of(configuration.publications, [&](const Published& published) {
                const config::Publication& declared = published.plan.publication;
                return declared.has_wildcard_sip_domain() ||
                       std::ranges::count(declared.sip_domains, domain) != 0;
            })) {
            throw Failure(formatted("\"{}\" in --domain is no \"sip_domain\" of {}", domain,
                                    configuration.file));
        }
    }
}

void examine(const Configuration& configuration, const DoctorOptions& options,
             const Settings& settings, Examination& written, Output& output) {
    std::vector<const plan::Plan*> plans;
    for (const Published& published : configuration.publications) {
        plans.push_back(&published.plan);
    }
    if (options.from == "proxy") {
        for (const std::string& what : missing_yet(configuration)) {
            output.note(formatted("{}; continuing without it", what));
        }
        examine_from_proxy(proxy_steps(plans, settings.domains), settings, written, output);
    } else {
        examine_from_outside(outside_steps(plans, settings.domains), settings, written, output);
    }
}

/// The password, from the descriptor if there is one (its first line), else from the terminal
/// without echo.
std::string read_password(std::optional<unsigned> descriptor, const std::string& user) {
    constexpr std::size_t longest = 1024; // Windows' own limit is 256 characters
    if (descriptor) {
        std::string text = read_file(formatted("/dev/fd/{}", *descriptor), longest);
        text.resize(std::min(text.find_first_of("\r\n"), text.size()));
        if (text.empty()) { // it would count as a wrong one
            throw Failure(formatted("no password in the first line of descriptor {}", *descriptor));
        }
        return text;
    }
    if (const Descriptor terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)); !terminal) {
        throw Failure("there is no terminal to ask for a password: give it with --password-fd");
    }
    std::array<char, longest> line{};
    const std::string question = formatted("Password of {}: ", shown(user));
    const int status = UI_UTIL_read_pw_string(line.data(), longest, question.c_str(), 0);
    if (status != 0) {
        throw Failure(status == -2 ? "interrupted, nothing was checked"
                                   : "the terminal can't be asked for a password: give it with "
                                     "--password-fd");
    }
    return line.data();
}

/// `text` in lines that fit the terminal, each after the first indented.
void paragraph(Output& output, const std::string& label, std::string_view text) {
    constexpr std::size_t indent = 10;
    const std::size_t columns = output.terminal().columns;
    std::string before = "  " + label;
    for (const std::string& line : wrapped(
             escaped(text), columns == 0 ? text.npos : std::max(columns, 5 * indent) - indent)) {
        before.resize(indent, ' ');
        output.line(before + line);
        before.clear();
    }
}

void print_sentences(const std::vector<Finding>& findings, Output& output) {
    constexpr std::size_t most_places = 5;
    for (const Finding& finding : findings) {
        const Kind& kind = *finding.kind;
        const Style style = kind.severity == "error" ? Style::bad : Style::warning;
        output.line(output.styled(kind.severity, style) + "  " +
                    output.styled(kind.name, Style::strong));
        paragraph(output, "found", finding.what);
        paragraph(output, "at", some_of(finding.where, most_places));
        paragraph(output, "cause", kind.cause);
        paragraph(output, "remedy", kind.remedy);
        output.line("");
    }
}

Table findings_table(const std::vector<Finding>& findings) {
    Table table{{"severity", "id=Finding", "found", "where=At", "cause", "remedy"}};
    for (const Finding& finding : findings) {
        const Kind& kind = *finding.kind;
        table.rows.push_back(
            {kind.severity, kind.name, finding.what, finding.where, kind.cause, kind.remedy});
    }
    return table;
}

int print_kinds(Output& output) {
    Table table{{"id=Finding", "severity", "cause", "remedy"}};
    for (const Kind& kind : kinds()) {
        table.rows.push_back({kind.name, kind.severity, kind.cause, kind.remedy});
    }
    output.table(table);
    return exit_fine;
}

void print_summary(const Examination& written, std::size_t findings, std::chrono::milliseconds took,
                   Output& output) {
    for (const std::string& where : written.signed_in) {
        output.line(formatted("signed in at {} by NTLM: the door \"windows\"", escaped(where)));
    }
    const long long tenths = took.count() / 100;
    output.line(
        output.styled(formatted("{} finding{} after {} questions, {}.{} s",
                                findings == 0 ? "no" : std::to_string(findings),
                                findings <= 1 ? "" : "s", written.asked, tenths / 10, tenths % 10),
                      findings == 0 ? Style::good : Style::strong));
}

} // namespace

void declare_doctor(CLI::App& app, Options& options) {
    DoctorOptions& doctor = options.doctor;
    add_configuration(app, options);
    app.add_option("--from", doctor.from,
                   "PLACE|Where it asks from: outside (what clients do) or proxy (each server)")
        ->default_str("outside")
        ->check(CLI::IsMember({"outside", "proxy"}).description(""));
    app.add_option("--domain", doctor.domains,
                   "DOMAIN|Only this SIP domain; needed with \"sip_domain *\" (repeatable)");
    app.add_option("--resolve", doctor.resolve,
                   "NAME:PORT:ADDRESS|This address in place of the DNS, as curl's (repeatable)");
    app.add_option(
        "--connect-to", doctor.connect_to,
        "NAME:PORT:ADDRESS:PORT|Connect there instead, as curl's; parts may be empty (repeatable)");
    app.add_option(
        "--dns", doctor.dns,
        "ADDRESS[:PORT],...|Ask these DNS servers, such as one outside, not the system's");
    app.add_option("--ca", doctor.ca, "FILE|The CAs that clients trust, in place of the system's");
    app.add_option("--timeout", doctor.timeout, "SECONDS|Seconds after which a step is given up")
        ->capture_default_str();
    app.add_option("--user", doctor.user,
                   "USER|Also sign in by NTLM, as DOMAIN\\user or user@domain");
    app.add_option("--password-fd", doctor.password_fd,
                   "N|Read the password from this descriptor, not from the terminal");
    app.add_flag("--list", doctor.list, "Print all findings there can be, with cause and remedy");
}

int run_doctor(const Options& options, Output& output) {
    const DoctorOptions& asked = options.doctor;
    if (asked.list) {
        return print_kinds(output);
    }
    Settings settings = settings_of(asked);
    const Configuration configuration = load_publications(options, Needs::blocks);
    require_published(settings.domains, configuration);
    if (!asked.user.empty()) {
        settings.credentials =
            Credentials{asked.user, read_password(asked.password_fd, asked.user)};
    }

    Examination written;
    bool is_whole = !configuration.mistake;
    if (configuration.mistake) {
        output.note(
            formatted("{}: what comes after it isn't checked", with_place(*configuration.mistake)));
    }
    const auto begun = std::chrono::steady_clock::now();
    try {
        catch_interrupts();
        examine(configuration, asked, settings, written, output);
    } catch (const Interrupted& interrupted) {
        is_whole = false;
        output.note(formatted("{}, the rest wasn't checked", interrupted.why));
    }
    output.end_progress();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun);

    const std::vector<Finding> findings = written.findings.worst_first();
    if (output.format() == "table") {
        print_sentences(findings, output);
        print_summary(written, findings.size(), took, output);
    } else {
        output.table(findings_table(findings));
    }
    is_whole = is_whole && (!written.sign_in_skipped || !findings.empty());
    return !is_whole ? exit_failed : findings.empty() ? exit_fine : exit_findings;
}

} // namespace lync::lyncctl
