-- Files behind https URLs: only from a server whose certificate a trusted authority has signed for its name.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local web_server = require "support.web"

describe("a file behind an https URL", function()
  local folder, web, dsn

  -- A CA, another one, and certificates with their keys of the first: for 127.0.0.1, and for another name.
  local function make_certificates()
    server.shell(([[cd %s && for ca in right wrong; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$ca CA" \
          -keyout $ca.key -out $ca.crt
      done
      for name in IP:127.0.0.1 DNS:other.example; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout key -out csr
        echo "subjectAltName=$name" >san
        openssl x509 -req -in csr -CA right.crt -CAkey right.key -CAcreateserial -days 2 -extfile san -out crt
        cat crt key >${name%%%%:*}.pem
      done]]):format(folder))
  end

  local function start(certificate)
    if web then
      web:stop()
    end
    web = web_server.start(("WEB_TLS=%s/%s.pem"):format(folder, certificate))
    local lines = { "id,name" }
    for i = 1, 60000 do
      lines[#lines + 1] = ("%d,name of number %d"):format(i, i)
    end
    web:write("f.csv", table.concat(lines, "\n") .. "\n")
  end

  -- The number of records that were loaded, or the message.
  local function load(mode, trusted)
    local env = ("%s CURL_CA_BUNDLE= SSL_CERT_FILE=%s"):format(web.env, trusted and folder .. "/" .. trusted or "")
    local _, err, code = pghost.run({ "--dsn", dsn, "load", ("%s/%s/f.csv"):format(web.base, mode), "--into", "got",
      "--create" }, { env = env, cd = web.folder })
    local conn <close> = require("pghost.connection").open { dsn = dsn }
    if code == 0 then
      local n = conn:query("SELECT count(*) AS n, sum(id::int8) AS ids FROM got")[1]
      conn:query "DROP TABLE got"
      return n.n == 60000 and tostring(n.ids) or n.n
    end
    assert.is_nil(conn:query("SELECT to_regclass('got')::text AS name")[1].name)
    assert.equal(1, code, err)
    return err
  end

  fixture.once(function()
    folder = pghost.folder()
    make_certificates()
    dsn = server.get():database()
    start "IP"
  end)

  teardown(function()
    web:stop()
    pghost.remove(folder)
  end)

  it("is loaded from a server with a certificate of a trusted authority, over cuts and redirects too", function()
    for _, mode in ipairs { "-", "cut", "moved", "busy" } do
      assert.equal("1800030000", load(mode, "right.crt"))
    end
  end)

  it("is not loaded where nobody trusted has signed the certificate", function()
    for _, trusted in ipairs { "wrong.crt", false } do
      local err = load("-", trusted)
      assert.truthy(err:find("certificate", 1, true), err)
      assert.truthy(err:find(web.base .. "/-/f.csv", 1, true), err)
    end
  end)

  it("is not loaded over a redirect to http", function()
    assert.equal(("pghost: could not read '%s/downgraded/f.csv': HTTP status 302: it redirects to another protocol, "
      .. "which is not followed\n"):format(web.base), load("downgraded", "right.crt"))
  end)

  it("is not loaded from a server with the certificate of another name", function()
    start "DNS"
    local err = load("-", "right.crt")
    assert.truthy(err:find("127.0.0.1", 1, true) and err:find("SSL", 1, true), err)
  end)
end)
