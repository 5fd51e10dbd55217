#include "lyncctl/import/draft.h"

#include "base/ascii.h"
#include "base/format.h"
#include "config/editor_traces.h"
#include "lyncctl/failure.h"
#include "lyncctl/files.h"
#include "lyncctl/import/xml_file.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

namespace lync::lyncctl {

namespace {

constexpr std::size_t largest_hosts = 1024 * 1024;

/// Prints the block, or a table of the remarks.
int print(Draft draft, Output& output) {
    const std::string block = compose(draft);
    Table table{{"kind", "line", "what"}};
    for (const auto& [kind, text, place] : draft.remarks) {
        table.rows.push_back({remark_word(kind), place.line == 0 ? "" : at(place), text});
    }
    if (output.is_text()) {
        output.text(block);
    } else {
        output.table(table);
    }
    if (const auto restrictions =
            std::ranges::count(draft.remarks, RemarkKind::restriction, &Remark::kind);
        restrictions != 0) {
        output.note(formatted("access restrictions of the old proxy that aren't in the block: {}, "
                              "see RESTRICTION",
                              restrictions));
    }
    return draft.remarks.empty() ? exit_fine : exit_findings;
}

Hosts hosts_of(const ImportOptions& options) {
    const std::string text = options.hosts.empty() ? "" : read_file(options.hosts, largest_hosts);
    if (const auto trace = config::encoding_trace(text); !trace.empty()) { // no name would be found
        throw Mistake(std::string(trace), {options.hosts, 1});
    }
    return read_hosts(text);
}

/// The same for another proxy, without the names of --role NAME=skip.
int settle_and_print(Draft draft, const Options& options, Output& output) {
    std::vector<std::string> skipped;
    for (const std::string& text : options.import.roles) {
        if (!text.ends_with("=skip")) {
            throw Failure(formatted("invalid value {} of --role: it is written NAME=skip",
                                    lync::quoted(text)));
        }
        skipped.push_back(to_ascii_lower(text.substr(0, text.rfind('='))));
    }
    draft.hosts = hosts_of(options.import);
    try {
        settle(draft, skipped);
    } catch (const Failure&) { // perhaps for what couldn't be read
        for (const Remark& remark : draft.remarks) {
            output.note(shown(draft, remark));
        }
        throw;
    }
    return print(std::move(draft), output);
}

} // namespace

void declare_import(CLI::App& app, Options& options) {
    ImportOptions& import = options.import;
    app.add_option("FILE", import.file, "The file that the other product wrote")->required();
    app.add_option("--role", import.roles,
                   "NAME=skip|A name that isn't to be published; repeatable");
    app.add_option("--hosts", import.hosts,
                   "FILE|The hosts file of the old proxy: where its server names led");
}

int import_arr(const Options& options, Output& output) {
    const std::string& file = options.import.file;
    return settle_and_print(read_arr(read_file(file, largest_xml), file), options, output);
}

int import_pfsense(const Options& options, Output& output) {
    const std::string& file = options.import.file;
    return settle_and_print(read_pfsense(read_file(file, largest_xml), file), options, output);
}

int import_nginx(const Options& options, Output& output) {
    const std::string file = std::filesystem::absolute(options.import.file).string();
    return settle_and_print(read_nginx(*read_configuration(file), directory_of(file)), options,
                            output);
}

void declare_import_topology(CLI::App& app, Options& options) {
    app.add_option("FILE", options.import.files,
                   "The topology, and what Export-Clixml wrote of simple URLs and web servers")
        ->required();
    app.add_option("--hosts", options.import.hosts,
                   "FILE|A hosts file with the servers' addresses");
}

Draft topology_of(const ImportOptions& options) {
    std::vector<TopologyFile> files;
    for (const std::string& file : options.files) {
        files.push_back({file, read_file(file, largest_xml)});
    }
    Draft draft = read_topology(files, hosts_of(options));
    if (draft.product == Product::sfb_2019) {
        draft.add(RemarkKind::check, {},
                  "the topology of Subscription Edition has the version of 2019 as well: \"product "
                  "sfb_se\" if it is that");
    }
    return draft;
}

int import_topology(const Options& options, Output& output) {
    return print(topology_of(options.import), output);
}

void declare_drift(CLI::App& app, Options& options) {
    declare_import_topology(app, options);
    add_configuration(app, options, "-c");
}

} // namespace lync::lyncctl
