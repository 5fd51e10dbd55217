#pragma once

// `lyncctl import`: lync_publish blocks for what another reverse proxy publishes.
//
//     import.h            the commands, and what reads each product's file
//     old_proxy.h         what all of them find, and what becomes of it
//     xml_file.h          XML in bounded memory
//     block_writer.h      the block as text

#include "lyncctl/commands.h"
#include "lyncctl/import/old_proxy.h"
#include "lyncctl/reader.h"

#include <string>
#include <string_view>

namespace lync::lyncctl {

void declare_import(CLI::App& app, Options& options);
void declare_import_arr(CLI::App& app, Options& options);

int import_arr(const Options& options, Output& output);
int import_pfsense(const Options& options, Output& output);
int import_nginx(const Options& options, Output& output);

/// applicationHost.config of IIS with Application Request Routing. `hosts` is the hosts file of
/// that machine, or empty. Throws Mistake with the place for what can't be read.
OldProxy read_arr(std::string_view xml, const std::string& name, std::string_view hosts);

/// config.xml of pfSense with the squid package's reverse proxy. Its certificates become files in
/// `directory` (with a slash at its end), or, where that is empty, a remark.
OldProxy read_pfsense(std::string_view xml, const std::string& name, const std::string& directory,
                      const std::string& publication);

/// An nginx.conf written by hand, with its includes.
OldProxy read_nginx(const std::string& file, const Sources& sources);
OldProxy read_nginx_text(std::string_view text, const std::string& name,
                         const Sources& sources);

} // namespace lync::lyncctl
