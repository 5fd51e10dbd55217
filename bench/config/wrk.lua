-- What wrk asks for, set by the environment: a published name, but on loopback; a result that a
-- program can read.
--
-- With BENCH_SIGN_IN=N each connection, which then has a thread of its own, repeats what a client
-- does that signs in with NTLM: a first message (answered 401), a last one, N requests that need
-- none any more, and the end of the connection. With BENCH_MORNING=1 it repeats what one does in the
-- morning: discovery, a ticket for an NTLM sign-in, its application, presence, a photograph, the end.
-- With BENCH_AUTHORIZATION every request carries it; with BENCH_CLOSE=1 each has a connection of its
-- own.

local body = tonumber(os.getenv("BENCH_BODY") or "0")
local after_sign_in = tonumber(os.getenv("BENCH_SIGN_IN") or "0")
local authorization = os.getenv("BENCH_AUTHORIZATION") or ""
local closing = os.getenv("BENCH_CLOSE") == "1"

local threads = {}
local sent = 0

-- what done() asks each thread for
unexpected = 0

function wrk.resolve(host, service)
    wrk.addrs = wrk.lookup("127.0.0.1", service)
    wrk.headers["Host"] = host
end

if body > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("x", body)
    wrk.headers["Content-Type"] = "application/octet-stream"
end

if authorization ~= "" then
    wrk.headers["Authorization"] = authorization
end

if closing then
    wrk.headers["Connection"] = "close"
end

function setup(thread)
    table.insert(threads, thread)
end

-- The requests of a connection, in their order, with the status that each has to be answered with.
local script = {}

local function ask(method, path, more, text, status)
    local headers = { Host = wrk.headers["Host"] }
    for name, value in pairs(more or {}) do
        headers[name] = value
    end
    table.insert(script, { wrk.format(method, path, headers, text), status or 200 })
end

local first = { Authorization = "NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==" }
local second = { Authorization = "NTLM TlRMTVNTUAADAAAA" .. string.rep("A", 600) }

local function sign_in()
    ask(nil, nil, first, nil, 401)
    ask(nil, nil, second)
    for _ = 1, after_sign_in do
        ask()
    end
    ask(nil, nil, { Connection = "close" })
end

local function morning()
    local ticket, ucwa = "/webticket/webticketservice.svc", "/ucwa/oauth/v1/applications"
    ask("GET", "/Autodiscover/AutodiscoverService.svc/root")
    ask("GET", ticket .. "/mex")
    ask("POST", ticket, first, "", 401)
    ask("POST", ticket, second, string.rep("x", 4096))
    ask("GET", "/Autodiscover/AutodiscoverService.svc/root/oauth/user")
    ask("POST", ucwa, nil, string.rep("x", 1024))
    for _, part in ipairs({ "me", "me/presence", "people/contacts", "people/groups", "communication" }) do
        ask("GET", ucwa .. "/103/" .. part)
    end
    for _ = 1, 3 do
        ask("POST", ucwa .. "/103/batch", nil, string.rep("x", 2048))
    end
    ask("GET", "/CollabContent/photograph")
    ask("GET", ucwa .. "/103/me", { Connection = "close" })
end

local steps = os.getenv("BENCH_MORNING") == "1" and morning or after_sign_in > 0 and sign_in
if steps then
    function init(args)
        steps()
    end

    function request()
        sent = sent + 1
        return script[(sent - 1) % #script + 1][1]
    end

    function response(status)
        if status ~= script[(sent - 1) % #script + 1][2] then
            unexpected = unexpected + 1
        end
    end
end

function done(summary, latency, requests)
    local failed = summary.errors.connect + summary.errors.write + summary.errors.timeout
    if not steps then
        failed = failed + summary.errors.status + (closing and 0 or summary.errors.read)
    end
    for _, thread in ipairs(threads) do
        failed = failed + thread:get("unexpected")
    end
    io.write(string.format("BENCH %d %d %d\n", summary.requests, failed, summary.duration))
end
