// `show certificate`: what the listener's certificate has to carry, and the request for it.

#include "base/format.h"
#include "lyncctl/commands.h"
#include "lyncctl/configuration.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"
#include "lyncctl/show/certbot.h"
#include "lyncctl/show/certificate_request.h"
#include "plan/names.h"

#include <CLI/CLI.hpp>

#include <deque>
#include <filesystem>

namespace lync::lyncctl {

namespace {

Table table_of(const Configuration& configuration) {
    Table table;
    table.columns = {{"publication", "Publication"},
                     {"entry", "Entry"},
                     {"name", "Name"},
                     {"use", "For"},
                     {"covered", "Certificate"}};
    table.group = 0;
    for (const Published& published : configuration.publications) {
        const std::string& publication = published.plan.publication.name;
        const plan::CertificateNames names = plan::certificate_names(published.plan);
        const auto add = [&](std::string_view entry, const std::string& name, std::string_view use,
                             config::Coverage coverage) {
            const bool lacks = coverage == config::Coverage::uncovered;
            const Style style = lacks ? Style::bad : Style::plain;
            table.rows.push_back(
                {publication, entry, name, use, Cell(plan::coverage_name(coverage), style)});
        };
        add("subject", "CN=" + names.subject, names.names.front().use,
            names.names.front().coverage);
        for (const auto& name : names.names) {
            add("subject alternative name", name.name, name.use, name.coverage);
        }
        for (const auto& name : names.patterns) {
            add("each domain's own", name.name, name.use, name.coverage);
        }
    }
    return table;
}

/// "contoso.csr"; of the second certificate "contoso-2.csr".
std::string numbered(const std::string& file, std::size_t part) {
    std::filesystem::path path(file);
    if (part != 0) {
        path.replace_filename(
            formatted("{}-{}{}", path.stem().string(), part + 1, path.extension().string()));
    }
    return path.string();
}

/// All files or none.
void write_requests(const Configuration& configuration, const Options& options, Output& output) {
    const CertificateOptions& wanted = options.certificate;
    if (configuration.publications.size() != 1) {
        throw Failure("several publications: --publication NAME says whose request is written");
    }
    if (wanted.csr == wanted.key) {
        throw Failure("the request and the key can't be the same file");
    }
    const plan::Plan& plan = configuration.publications.front().plan;
    const std::vector<std::vector<std::string>> parts = plan::split_names(plan);
    for (std::size_t i = 0; i < parts.size(); i++) {
        require_new(numbered(wanted.key, i), options.force);
        require_new(numbered(wanted.csr, i), options.force);
    }

    std::deque<CertificateRequest> requests; // keys stay where they are, and are wiped there
    std::vector<NewFile> files;
    for (std::size_t i = 0; i < parts.size(); i++) {
        output.progress("making a key");
        const CertificateRequest& request =
            requests.emplace_back(make_certificate_request(wanted, parts[i]));
        files.push_back({numbered(wanted.key, i), request.key, 0600});
        files.push_back({numbered(wanted.csr, i), request.csr, 0644});
    }
    write_files(files, options.force);
    for (std::size_t i = 0; i < parts.size(); i++) {
        output.note(formatted("wrote {} ({}, keep it secret) and {}",
                              lync::quoted(files[2 * i].path), wanted.key_type,
                              lync::quoted(files[2 * i + 1].path)));
        if (parts[i].front().size() > longest_common_name) {
            output.note(formatted("{} is too long for a common name (64 characters): the subject "
                                  "has none, clients read the alternative names",
                                  lync::quoted(parts[i].front())));
        }
    }
    for (const auto& pattern : plan::certificate_names(plan).patterns) {
        output.note(formatted("{} stands for any domain and isn't in the request: each domain "
                              "needs its own",
                              lync::quoted(pattern.name)));
    }
}

} // namespace

void declare_certificate(CLI::App& app, Options& options) {
    add_configuration(app, options);
    CertificateOptions& wanted = options.certificate;
    CLI::Option* csr =
        app.add_option("--csr", wanted.csr, "Write a certificate request into this new file")
            ->type_name("FILE");
    CLI::Option* key =
        app.add_option("--key", wanted.key,
                       "Write its new private key, readable by you alone, into this new file")
            ->type_name("FILE");
    csr->needs(key);
    key->needs(csr);
    app.add_option("--key-type", wanted.key_type, "rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384")
        ->type_name("TYPE")
        ->check(CLI::IsMember({"rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384"})
                    .description(""))
        ->capture_default_str();
    add_force(app, options);
}

int show_certificate(const Options& options, Output& output) {
    const Configuration configuration = load_plans(options, output);
    if (!options.certificate.csr.empty()) {
        write_requests(configuration, options, output);
    }
    if (options.format == Format::own) {
        output.text(certbot_script(configuration, options.certificate.key_type));
        return exit_fine;
    }
    output.table(table_of(configuration));
    return exit_fine;
}

} // namespace lync::lyncctl
