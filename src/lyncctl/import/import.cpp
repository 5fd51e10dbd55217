#include "lyncctl/import/import.h"

#include "base/ascii.h"
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
        throw Failure("invalid value " + lync::quoted(name) +
                      " of --name: it is made of up to 64 letters, digits, \"_\" and \"-\"");
    }
}

/// The directory of --out-dir as the block will name it, with a slash at its end; empty for none.
std::string out_directory(const ImportOptions& options) {
    if (options.out_dir.empty()) {
        return {};
    }
    std::string path = std::filesystem::absolute(options.out_dir).lexically_normal().string();
    return path.ends_with('/') ? path : path + "/";
}

void write_all(const Imported& imported, const std::string& directory, const Options& options,
               Output& output) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        throw Failure("mkdir " + lync::quoted(directory) + " failed (" +
                      std::to_string(error.value()) + ": " + error.message() + ")");
    }
    std::vector<NewFile> files;
    for (const ImportedFile& file : imported.files) {
        files.push_back({file.path, file.content, file.secret ? mode_t{0600} : mode_t{0644}});
    }
    const std::string block = directory + options.import.name + ".conf";
    files.push_back({block, imported.text, 0644});
    write_files(files, options.force);
    for (const NewFile& file : files) {
        output.note("wrote " + file.path);
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

int finish(Draft draft, const std::string& directory, const Options& options, Output& output) {
    const std::string file = draft.proxy.file;
    const Imported imported = compose(std::move(draft), options.import);
    if (!directory.empty()) {
        write_all(imported, directory, options, output);
    }
    if (output.format() != Format::own) {
        output.table(report(imported, file));
    } else if (directory.empty()) {
        output.text(imported.text);
    }
    std::size_t restrictions = 0;
    bool wanting = false;
    for (const Remark& remark : imported.remarks) {
        restrictions += remark.kind == RemarkKind::restriction ? 1 : 0;
        wanting = wanting || remark.kind != RemarkKind::changed;
    }
    if (restrictions != 0) {
        output.note("access restrictions of the old proxy that aren't in the block: " +
                    std::to_string(restrictions) + ", see RESTRICTION");
    }
    return wanting ? exit_findings : exit_fine;
}

int finish(OldProxy proxy, const std::string& directory, const Options& options, Output& output) {
    return finish(make_draft(std::move(proxy), options.import), directory, options, output);
}

void declare_block(CLI::App& app, Options& options) {
    ImportOptions& import = options.import;
    const auto add = [&](const char* name, std::string& value, const char* type, const char* help) {
        return app.add_option(name, value, help)->type_name(type);
    };
    add("--name", import.name, "NAME", "Name of the publication")->capture_default_str();
    add("--out-dir", import.out_dir, "DIR",
        "Write the block, certificate and key as files into this directory");
    add("--product", import.product, "NAME", "The server product: lync_2013, sfb_2019, ...");
    add("--certificate", import.certificate, "PEM", "The listener's certificate on this machine");
    add("--key", import.key, "PEM", "Its key");
    add("--trusted-ca", import.trusted_ca, "PEM", "The CA that issued the servers' certificates");
    add_force(app, options);
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
    app.add_option("--pool", import.pools,
                   "The pool that a server belongs to, by its own FQDN; repeatable")
        ->type_name("ADDRESS=FQDN")
        ->allow_extra_args(false);
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
    check_name(options.import.name);
    const std::string hosts =
        options.import.hosts.empty() ? "" : read_file(options.import.hosts, largest_hosts);
    return finish(read_arr(read_file(options.import.file, largest_xml), options.import.file, hosts),
                  out_directory(options.import), options, output);
}

int import_pfsense(const Options& options, Output& output) {
    check_name(options.import.name);
    const std::string directory = out_directory(options.import);
    return finish(read_pfsense(read_file(options.import.file, largest_xml), options.import.file,
                               directory, options.import.name),
                  directory, options, output);
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
    return finish(read_nginx(file, bounded), out_directory(options.import), options, output);
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
    Draft draft =
        read_topology(files, options.hosts.empty() ? "" : read_file(options.hosts, largest_hosts));
    if (!options.product.empty()) {
        draft.product = product_of(options);
    } else if (draft.product == Product::sfb_2019) {
        draft.proxy.remarks.push_back(
            {RemarkKind::check,
             "the topology of Subscription Edition has the version of 2019 as well: \"product "
             "sfb_se\" if it is that",
             {}});
    }
    return draft;
}

int import_topology(const Options& options, Output& output) {
    check_name(options.import.name);
    return finish(read_topology(options.import), out_directory(options.import), options, output);
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
