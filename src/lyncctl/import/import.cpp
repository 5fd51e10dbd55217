#include "lyncctl/import/import.h"

#include "base/ascii.h"
#include "base/format.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"
#include "lyncctl/import/draft.h"
#include "lyncctl/import/xml_file.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

namespace lync::lyncctl {

namespace {

constexpr std::size_t largest_hosts = 1024 * 1024;
constexpr std::size_t largest_nginx = 32 * 1024 * 1024; ///< all files of one configuration together

void check_name(const std::string& name) {
    const bool plain = std::all_of(
        name.begin(), name.end(), [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_'; });
    if (name.empty() || name.size() > 64 || !plain) {
        throw Failure(formatted("invalid value {} of --name: it is made of up to 64 letters, "
                                "digits, \"_\" and \"-\"",
                                lync::quoted(name)));
    }
}

/// The remarks, a row each.
Table report(const Imported& imported, const std::string& file) {
    Table table;
    table.columns = {{"kind", ""}, {"line", "line"}, {"what", "what"}};
    for (const auto& [kind, text, place] : imported.remarks) {
        const std::string line = std::to_string(place.line);
        table.rows.push_back({remark_word(kind),
                              place.line == 0      ? ""
                              : place.file == file ? line
                                                   : place.file + ":" + line,
                              text});
    }
    return table;
}

int finish(Draft draft, const Options& options, Output& output) {
    const std::string file = draft.proxy.file;
    const Imported imported = compose(std::move(draft), options.import);
    if (output.format() == Format::own) {
        output.text(imported.text);
    } else {
        output.table(report(imported, file));
    }
    std::size_t restrictions = 0;
    bool wanting = false;
    for (const Remark& remark : imported.remarks) {
        restrictions += remark.kind == RemarkKind::restriction ? 1 : 0;
        wanting = wanting || remark.kind != RemarkKind::changed;
    }
    if (restrictions != 0) {
        output.note(formatted("access restrictions of the old proxy that aren't in the block: {}, "
                              "see RESTRICTION",
                              restrictions));
    }
    return wanting ? exit_findings : exit_fine;
}

int finish(OldProxy proxy, const Options& options, Output& output) {
    return finish(make_draft(std::move(proxy), options.import), options, output);
}

std::string hosts_file(const ImportOptions& options) {
    return options.hosts.empty() ? "" : read_file(options.hosts, largest_hosts);
}

void declare_block(CLI::App& app, Options& options) {
    ImportOptions& import = options.import;
    const auto add = [&](const char* name, std::string& value, const char* type, const char* help) {
        return app.add_option(name, value, help)->type_name(type);
    };
    add("--name", import.name, "NAME", "Name of the publication")->capture_default_str();
    add("--product", import.product, "NAME", "The server product: lync_2013, sfb_2019, ...");
    add("--certificate", import.certificate, "PEM", "The listener's certificate on this machine");
    add("--key", import.key, "PEM", "Its key");
    add("--trusted-ca", import.trusted_ca, "PEM", "The CA that issued the servers' certificates");
}

void declare_topology(CLI::App& app, Options& options) {
    app.add_option("FILE", options.import.files,
                   "The topology, and what Export-Clixml wrote of simple URLs and web servers")
        ->type_name("")
        ->required();
    app.add_option("--hosts", options.import.hosts, "A hosts file with the servers' addresses")
        ->type_name("FILE");
}

} // namespace

void declare_import(CLI::App& app, Options& options) {
    ImportOptions& import = options.import;
    app.add_option("FILE", import.file, "The file that the other product wrote")
        ->type_name("")
        ->required();
    declare_block(app, options);
    app.add_option("--role", import.roles,
                   "What a published name is: pool, director, meet, dialin, scheduler, admin, "
                   "lyncdiscover, office_web_apps or skip; repeatable")
        ->type_name("NAME=ROLE")
        ->allow_extra_args(false);
}

void declare_import_arr(CLI::App& app, Options& options) {
    declare_import(app, options);
    app.add_option("--hosts", options.import.hosts,
                   "The hosts file of the machine with ARR: where its server names led")
        ->type_name("FILE");
}

int import_arr(const Options& options, Output& output) {
    const ImportOptions& import = options.import;
    check_name(import.name);
    const std::string hosts = hosts_file(import);
    return finish(read_arr(read_file(import.file, largest_xml), import.file, hosts), options,
                  output);
}

int import_pfsense(const Options& options, Output& output) {
    const std::string& file = options.import.file;
    check_name(options.import.name);
    return finish(read_pfsense(read_file(file, largest_xml), file), options, output);
}

int import_nginx(const Options& options, Output& output) {
    check_name(options.import.name);
    const std::string file = std::filesystem::absolute(options.import.file).string();

    std::size_t left = largest_nginx;
    Sources bounded = Sources::of_system();
    bounded.open = [&left](const std::string& path) {
        std::string opened = read_file(path, left);
        left -= opened.size();
        return opened;
    };
    return finish(read_nginx(file, bounded), options, output);
}

void declare_import_topology(CLI::App& app, Options& options) {
    declare_topology(app, options);
    declare_block(app, options);
}

Draft read_topology(const ImportOptions& options) {
    std::vector<TopologyFile> files;
    for (const std::string& file : options.files) {
        files.push_back({file, read_file(file, 2 * largest_xml)}); // UTF-16
    }
    Draft draft = read_topology(files, hosts_file(options));
    if (!options.product.empty()) {
        draft.product = product_of(options);
    } else if (draft.product == Product::sfb_2019) {
        draft.proxy.add(RemarkKind::check,
                        "the topology of Subscription Edition has the version of 2019 as well: "
                        "\"product sfb_se\" if it is that");
    }
    return draft;
}

int import_topology(const Options& options, Output& output) {
    check_name(options.import.name);
    return finish(read_topology(options.import), options, output);
}

void declare_drift(CLI::App& app, Options& options) {
    declare_topology(app, options);
    app.add_option("-c", options.configuration, "The nginx.conf to compare with")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--fragment", options.fragment,
                 "That FILE holds only what stands inside of http { }");
    app.add_option("--publication", options.publication, "Only the lync_publish of this name")
        ->type_name("NAME");
}

} // namespace lync::lyncctl
