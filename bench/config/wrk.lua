-- What wrk asks for, told by the environment: a published name, but on loopback; a result that a
-- program can read.
--
-- With BENCH_SIGN_IN=N each connection, which then has a thread of its own, repeats what a client
-- does that signs in with NTLM: a first message (answered 401), a last one, N requests that need
-- none any more, and the end of the connection. With BENCH_AUTHORIZATION every request carries it.

local body = tonumber(os.getenv("BENCH_BODY") or "0")
local after_sign_in = tonumber(os.getenv("BENCH_SIGN_IN") or "0")
local authorization = os.getenv("BENCH_AUTHORIZATION") or ""

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

function setup(thread)
    table.insert(threads, thread)
end

if after_sign_in > 0 then
    local negotiate, authenticate, plain, last

    function init(args)
        negotiate = wrk.format(nil, nil, { Host = wrk.headers["Host"],
            Authorization = "NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==" })
        authenticate = wrk.format(nil, nil, { Host = wrk.headers["Host"],
            Authorization = "NTLM TlRMTVNTUAADAAAA" .. string.rep("A", 600) })
        plain = wrk.format()
        last = wrk.format(nil, nil, { Host = wrk.headers["Host"], Connection = "close" })
    end

    function request()
        local place = sent % (after_sign_in + 2)
        sent = sent + 1
        return place == 0 and negotiate or place == 1 and authenticate
            or place == after_sign_in + 1 and last or plain
    end

    function response(status)
        if status ~= ((sent - 1) % (after_sign_in + 2) == 0 and 401 or 200) then
            unexpected = unexpected + 1
        end
    end
end

function done(summary, latency, requests)
    local failed = summary.errors.connect + summary.errors.write + summary.errors.timeout
    if after_sign_in == 0 then
        failed = failed + summary.errors.read + summary.errors.status
    end
    for _, thread in ipairs(threads) do
        failed = failed + thread:get("unexpected")
    end
    io.write(string.format("BENCH %d %d %d\n", summary.requests, failed, summary.duration))
end
