#pragma once

// The parsed command line: one structure for all commands, filled by CLI11 before a command runs.
// Options of one command alone are a structure of their own, which that command's `declare`
// (commands.h) adds to the command line.

#include <optional>
#include <string>
#include <vector>

namespace lync::lyncctl {

struct CheckOptions {
    bool strict = false; ///< --strict: advice counts as a finding
    std::string nginx;   ///< --nginx BINARY: the one that is asked; empty: the installed one
    std::string prefix;  ///< --prefix DIR: its -p
};

struct CertificateOptions {
    std::string csr;                   ///< --csr FILE: a request for these names is written
    std::string key;                   ///< --key FILE: the new private key
    std::string key_type = "rsa:2048"; ///< --key-type: also "rsa:3072", "rsa:4096", "ec:p256", ...
};

struct DnsOptions {
    std::vector<std::string> addresses; ///< --address: of the reverse proxy, as clients reach it
    bool inside = false;                ///< --inside: the zone for the inside
};

struct FirewallOptions {
    bool plan = false;    ///< --plan: one page for those who open the ports
    std::string external; ///< --external, --internal: this machine's addresses on its two sides
    std::string internal;
};

struct DoctorOptions {
    std::string from = "outside";        ///< --from outside|proxy
    std::vector<std::string> domains;    ///< --domain DOMAIN
    std::vector<std::string> resolve;    ///< --resolve NAME:PORT:ADDRESS
    std::vector<std::string> connect_to; ///< --connect-to NAME:PORT:ADDRESS:PORT
    std::string dns;                     ///< --dns ADDRESS[:PORT],...
    std::string ca;                      ///< --ca FILE
    double timeout = 10;                 ///< --timeout SECONDS, of each step
    std::string user;                    ///< --user USER: sign in, too
    std::optional<unsigned> password_fd; ///< --password-fd N; none: the terminal is asked
    bool list = false;                   ///< --list: print the table of findings
};

struct ControlOptions {
    std::string socket = "/run/nginx/lync.sock"; ///< --socket PATH
    std::string server;                          ///< as it was typed
    bool built_in = false;                       ///< --built-in: of this lyncctl, needs no nginx
    std::string who;                             ///< what to release: an account or an address
    bool all = false;                            ///< --all of them
    bool wait = false;                           ///< --wait, until nothing is in flight
    unsigned timeout = 0;                        ///< --timeout SECONDS; 0: for ever
};

struct ImportOptions {
    std::vector<std::string> files; ///< of a topology: it, and what goes beside it
    std::string file;               ///< what the other product wrote
    std::string hosts;              ///< --hosts: addresses of servers' names
    std::vector<std::string> roles; ///< --role NAME=skip
};

struct Options {
    std::string configuration = "/etc/nginx/nginx.conf";
    bool fragment = false;       ///< --fragment: the file is what stands inside of http { }
    std::string publication;     ///< --publication NAME: only this one; empty: all
    std::string format;          ///< --format: "table", or one that the command alone has: "nft"
    std::string colour = "auto"; ///< --color auto|always|never

    CheckOptions check;
    CertificateOptions certificate;
    DnsOptions dns;
    FirewallOptions firewall;
    ImportOptions import;
    DoctorOptions doctor;
    ControlOptions control;
};

} // namespace lync::lyncctl
