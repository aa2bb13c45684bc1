-- TLS as libpq's options say, against a server with a certificate of its own CA.

local pghost = require "support.pghost"
local server = require "support.server"

local shell = server.shell
local password <const> = "geheim-0815"
local folder, own, port

-- A CA, and a certificate of it for `name`.
local function make_certificates()
  shell(([[cd %s && for ca in right wrong; do
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$ca CA" \
        -keyout $ca.key -out $ca.crt
    done
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
      -keyout server.key -out s.csr
    printf 'subjectAltName=DNS:localhost' >san
    openssl x509 -req -in s.csr -CA right.crt -CAkey right.key -CAcreateserial -days 2 -extfile san -out server.crt
    chmod 644 *.crt; chmod 600 server.key]]):format(folder))
  if shell "id -u" == "0" then
    shell(("chown postgres %s/server.key"):format(folder))
  end
end

local function free_port()
  return shell [[python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])']]
end

-- One statement over a connection with these options; stdout, stderr and exit code.
local function ask(options)
  local dsn = ("postgresql://secure:%s@%s:%s/postgres?%s"):format(password, options.host or "localhost", port,
    options.options)
  local text = "local conn = require('pghost.connection').open() "
    .. "print(conn:query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')[1].ssl)"
  return pghost.run({ "-e", text }, { env = "DATABASE_URL=" .. pghost.quote(dsn) })
end

local function refused(text, options)
  local out, err, code = ask(options)
  assert.equal(3, code, err)
  assert.equal("", out)
  assert.matches("^pghost: [^\n]+\n$", err)
  assert.truthy(err:find(text, 1, true), err)
  assert.not_matches(password, err, 1, true)
end

describe("TLS", function()
  setup(function()
    folder = pghost.folder()
    make_certificates()
    port = free_port()
    own = server.start(("listen_addresses = '127.0.0.1'\nport = %s\nssl = on\nssl_cert_file = '%s/server.crt'\n"
      .. "ssl_key_file = '%s/server.key'\n"):format(port, folder, folder))
    own.dsn = own.dsn .. " port=" .. port
    own:psql(("create role secure login password '%s'"):format(password))
    local hba = assert(io.open(own.folder .. "/data/pg_hba.conf", "w"))
    hba:write("local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
    hba:close()
    own:psql "select pg_reload_conf()"
  end)

  teardown(function()
    own:stop()
    pghost.remove(folder)
  end)

  it("with the right CA and name is used", function()
    local out, err, code = ask { options = ("sslmode=verify-full&sslrootcert=%s/right.crt"):format(folder) }
    assert.equal("true\n", out, err)
    assert.equal(0, code)
  end)

  it("stops at a certificate of another CA", function()
    refused("certificate verify failed", { options = ("sslmode=verify-full&sslrootcert=%s/wrong.crt"):format(folder) })
  end)

  it("stops at another host name, but with verify-ca does not look at it", function()
    refused('does not match host name "127.0.0.1"',
      { host = "127.0.0.1", options = ("sslmode=verify-full&sslrootcert=%s/right.crt"):format(folder) })
    local out = ask { host = "127.0.0.1", options = ("sslmode=verify-ca&sslrootcert=%s/right.crt"):format(folder) }
    assert.equal("true\n", out)
  end)

  it("stops without a CA, and where the server wants TLS and the client does not", function()
    refused("root certificate file", { options = "sslmode=verify-full&sslrootcert=/nonexistent/ca.crt" })
    refused("no pg_hba.conf entry", { options = "sslmode=disable" })
  end)

  it("is what a whole pipeline goes through", function()
    own:psql "grant create on database postgres to secure; grant create on schema public to secure"
    local dsn = ("host=localhost port=%s dbname=postgres user=secure password=%s sslmode=verify-full "
      .. "sslrootcert=%s/right.crt"):format(port, password, folder)
    local _, err, code = pghost.run({ pghost.root .. "/scripts/pipeline.lua" },
      { env = "DATABASE_URL=" .. pghost.quote(dsn) })
    assert.equal(0, code, err)
    assert.not_matches(password, err, 1, true)
    assert.equal("t", own:psql "select count(*) > 0 from booking")
  end)
end)
