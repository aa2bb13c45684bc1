-- Objects behind URLs: http, and a store that speaks S3's protocol and checks signatures by itself (web_server.py).
-- Whatever the server does, what is loaded is what `\copy` loads of the file on disk, or nothing; what is written
-- is what COPY writes, or nothing.

local pghost = require "support.pghost"
local server = require "support.server"
local web_server = require "support.web"

local web, dsn

local function psql(sql)
  local out, err, code = pghost.shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d %s"):format(pghost.quote(dsn)), sql)
  assert.equal(0, code, err)
  return (out:gsub("\n$", ""))
end

-- stdout, stderr, exit code
local function run(words, env)
  return pghost.run({ "--dsn", dsn, table.unpack(words) }, { env = web.env .. " " .. (env or ""), cd = web.folder })
end

local function load(url, ...)
  local _, err, code = run({ "load", url, "--into", "got", "--create", ... })
  return err, code
end

-- 60,000 records, 1.5 MB: several answers where each is cut off after 300,000 bytes.
local function big(count)
  local lines = { "id,name" }
  for i = 1, count or 60000 do
    lines[#lines + 1] = ("%d,name of number %d"):format(i, i)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- What psql's \copy makes of the file on disk, against what the load has made of its URL.
local function differences(path)
  psql(([[DROP TABLE IF EXISTS wanted; CREATE TABLE wanted (LIKE got);
    \copy wanted from '%s/%s' with (format csv, header)]]):format(web.folder, path))
  return psql [[SELECT (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE got) a)
    + (SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE wanted) b)]]
end

before_each(function()
  web = web_server.start()
  dsn = server.get():database()
end)

after_each(function()
  web:stop()
end)

describe("a file behind an http URL", function()
  for _, mode in ipairs { "-", "whole", "dated", "bare", "unsized", "whole+unsized", "moved", "slow", "cut",
    "cut1+whole", "busy" } do
    it("is loaded whole from a server that is " .. mode, function()
      web:write("f.csv", big())
      local err, code = load(("%s/%s/f.csv"):format(web.base, mode))
      assert.equal(0, code, err)
      assert.equal("60000", psql "SELECT count(*) FROM got")
      assert.equal("0", differences "f.csv")
    end)
  end

  it("comes in ranges side by side where it is large", function()
    web:write("f.csv", big(700000))
    local err, code = load(web.base .. "/-/f.csv")
    assert.equal(0, code, err)
    assert.equal("0", differences "f.csv")
    assert.truthy(web:log():find("bytes=4194304-8388607 206", 1, true))
  end)

  it("is unpacked by its bytes, and of a zip each file is loaded", function()
    web:write("f.csv", "id,name\n1,ann\n")
    web:write("g.csv", "id,name\n2,bob\n")
    server.shell(("cd %s && gzip -k f.csv && python3 -m zipfile -c both.zip f.csv g.csv"):format(web.folder))
    assert.equal(0, select(2, load(web.base .. "/-/f.csv.gz")))
    psql "DROP TABLE got"
    assert.equal(0, select(2, load(web.base .. "/-/both.zip")))
    assert.equal("1,2", psql "SELECT string_agg(id::text, ',' ORDER BY id::text) FROM got")
  end)

  it("can be empty, small, or a header alone", function()
    for name, text in pairs { empty = "", small = "id,name\n1,a\n", header = "id,name\n" } do
      web:write(name .. ".csv", text)
      local here = select(3, run { "load", name .. ".csv", "--into", name .. "_here", "--create" })
      assert.equal(here, select(3, run { "load", ("%s/-/%s.csv"):format(web.base, name), "--into", name, "--create" }))
    end
  end)
end)

describe("a server that is not to be trusted", function()
  local refused = {
    down = "HTTP status 503", gone = "HTTP status 410", short = "transfer closed", secret = "HTTP status 401",
    other = "the server sends another range",
    ["cut+whole+bare"] = "the connection broke, and the server names no version",
  }
  for mode, message in pairs(refused) do
    it(("loads nothing when it is %s"):format(mode), function()
      web:write("f.csv", big())
      local err, code = load(("%s/%s/f.csv"):format(web.base, mode))
      assert.equal(1, code, err)
      assert.truthy(err:find(message, 1, true), err)
      assert.equal("", psql "SELECT to_regclass('got')")
    end)
  end

  it("loads an object that is replaced in between from its start, one version of it alone", function()
    web:write("f.csv", big())
    local err, code = load(web.base .. "/replaced/f.csv")
    assert.equal(0, code, err)
    assert.truthy(err:find("it was replaced while it was in use; attempt 2", 1, true), err)
    assert.equal("0", differences "f.csv")
  end)

  it("loads nothing of an object that never stays the same", function()
    web:write("f.csv", big())
    local err, code = load(web.base .. "/changing/f.csv")
    assert.equal(1, code, err)
    assert.truthy(err:find(("\npghost: could not read '%s/changing/f.csv': it was replaced while"):format(web.base), 1,
      true), err)
    assert.equal("", psql "SELECT to_regclass('got')")
  end)

  it("loads nothing of ranges that are another's", function()
    web:write("f.csv", big(400000))
    local err, code = load(web.base .. "/shifted/f.csv")
    assert.equal(1, code, err)
    assert.truthy(err:find("the server sends another range", 1, true), err)
  end)

  it("is told where nobody listens, and for a scheme that is not read", function()
    assert.truthy(load("http://127.0.0.1:1/f.csv"):find("http://127.0.0.1:1/f.csv", 1, true))
    local err, code = load("gs://bucket/f.csv")
    assert.equal("pghost: 'gs://' cannot be read: a path, http://, https:// or s3:// expected\n", err)
    assert.equal(2, code)
  end)
end)

describe("what is secret in a URL", function()
  it("is neither shown nor recorded", function()
    web:write("f.csv", "id,name\n1,a\nx,b\n")
    local script = web:write("p.lua", ([[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("p", { max_rejects = 5 })
      local url = "%s/-/f.csv?a=1&X-Amz-Signature=hidden"
      run:load("t", url, r.table("t", { { "id", r.bigint() }, { "name", r.text() } }))
      run:publish()]]):format(web.base))
    local out, err, code = run { script }
    assert.equal(0, code, err)
    assert.falsy((out .. err):find "hidden")
    assert.equal(web.base .. "/-/f.csv?a=1&X-Amz-Signature=...", psql "SELECT path FROM pghost.files")
    assert.equal("f.csv", psql "SELECT name FROM pghost.files")
    assert.falsy(server.shell(("pg_dump -d %s"):format(pghost.quote(dsn))):find "hidden")
  end)

  it("is refused as a name and password", function()
    local err, code = load("http://ann:s3cret@127.0.0.1/f.csv")
    assert.equal(2, code)
    assert.falsy(err:find "s3cret")
    assert.truthy(err:find("~/.netrc", 1, true))
  end)

  it("can stand in ~/.netrc", function()
    web:write("f.csv", "id,name\n1,a\n")
    web:write(".netrc", "machine 127.0.0.1 login ann password s3cret\n")
    local err, code = load(web.base .. "/secret/f.csv")
    assert.equal(0, code, err)
  end)
end)

describe("a store", function()
  before_each(function()
    for i = 1, 7 do
      web:write(("lake/day/2024-0%d.csv"):format(i), ("id,name\n%d,n%d\n"):format(i, i))
    end
    web:write("lake/day/deep/2024-08.csv", "id,name\n8,n8\n")
    web:write("lake/day/readme.md", "no data\n")
    web:write("lake/odd name+(1)&ü.csv", "id,name\n9,n9\n")
  end)

  local function ids(url)
    local err, code = load(url)
    return code == 0 and psql "SELECT string_agg(id::text, ',' ORDER BY id::text) FROM got" or err
  end

  it("gives an object, those that a glob means over pages of its list, and those of a folder", function()
    assert.equal("3", ids "s3://lake/day/2024-03.csv")
    psql "DROP TABLE got"
    assert.equal("1,2,3,4,5,6,7", ids "s3://lake/day/2024-*.csv")
    psql "DROP TABLE got"
    assert.equal("2,3", ids "s3://lake/day/2024-0[23].csv")
    psql "DROP TABLE got"
    assert.equal("1,2,3,4,5,6,7", ids "s3://lake/day/")
    psql "DROP TABLE got"
    assert.equal("8", ids "s3://lake/*/deep/*.csv")
  end)

  it("gives an object whatever its key is", function()
    assert.equal("9", ids "s3://lake/odd name+(1)&ü.csv")
  end)

  it("takes key, token and place from the environment or the files of its own tools", function()
    web:write("aws/credentials", "[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
      .. "[lake]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=wJalrXUtnFEMI\n")
    web:write("aws/config", ("[profile lake]\nregion = eu-central-1\nendpoint_url = %s/s3\n"):format(web.base))
    local files = ("AWS_SHARED_CREDENTIALS_FILE=%s/aws/credentials AWS_CONFIG_FILE=%s/aws/config"):format(web.folder,
      web.folder)
    local unset = "AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= AWS_ENDPOINT_URL= "
    local words = { "load", "s3://lake/day/2024-03.csv", "--into", "got", "--create" }
    local _, err, code = run(words, unset .. files .. " AWS_PROFILE=lake")
    assert.equal(0, code, err)
    _, err, code = run(words, "AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= " .. files)
    assert.equal(1, code)
    assert.truthy(err:find("HTTP status 403, InvalidAccessKeyId", 1, true), err)
  end)

  it("says what it refuses, in its own words", function()
    local function refused(url, env)
      return (select(2, run({ "load", url, "--into", "got", "--create" }, env)))
    end
    local wrong = refused("s3://lake/day/2024-03.csv", "AWS_SECRET_ACCESS_KEY=wrong")
    assert.equal("pghost: could not read 's3://lake/day/2024-03.csv': HTTP status 403, SignatureDoesNotMatch\n", wrong)
    assert.equal("pghost: could not read 's3://lake/day/none.csv': HTTP status 404, NoSuchKey\n",
      refused "s3://lake/day/none.csv")
    assert.equal("pghost: could not read 's3://nowhere/': HTTP status 404, NoSuchBucket\n",
      refused "s3://nowhere/*.csv")
    assert.equal("pghost: no object matches 's3://lake/x*.csv'\n", refused "s3://lake/x*.csv")
    assert.equal("pghost: no .csv object below 's3://lake/none/'\n", refused "s3://lake/none/")
    assert.equal("pghost: 's3://l/x.csv' names no bucket: s3://BUCKET/KEY expected\n", refused "s3://l/x.csv")
    assert.equal("pghost: the endpoint 'ftp://x' is no http or https URL\n",
      refused("s3://lake/x.csv", "AWS_ENDPOINT_URL=ftp://x"))
  end)
end)

describe("a pipeline over a store", function()
  it("loads, rejects with original bytes, runs again, and replays", function()
    web:write("lake/a.csv", "id,name\n1,ann\n2,bob\n")
    web:write("lake/b.csv", "id,name\n1,again\nx,carl\n4,dora\n")
    local script = web:write("p.lua", [[
      local r = require "pghost.rules"
      local run <close> = require("pghost.pipeline").start("p", { max_rejects = 5 })
      run:load("t", "s3://lake/*.csv", r.table("t", { { "id", r.bigint() }, { "name", r.text() } }, { key = "id" }))
      run:publish()]])
    for _ = 1, 2 do
      local _, err, code = run { script }
      assert.equal(0, code, err)
      assert.equal("1,2,4", psql "SELECT string_agg(id::text, ',' ORDER BY id) FROM t")
      assert.equal("1,again\nx,carl", psql [[SELECT string_agg(rtrim(convert_from(original, 'UTF8'), E'\n'), E'\n'
        ORDER BY line) FROM pghost.rejects WHERE run_id = (SELECT max(run_id) FROM pghost.runs)]])
    end
    local _, err, code = run { "replay", "2" }
    assert.equal(0, code, err)
  end)
end)

describe("pghost export into a store", function()
  before_each(function()
    web:write("lake/old.csv", "old\n")
    psql "CREATE TABLE t AS SELECT i AS id, md5(i::text) AS name FROM generate_series(1, 1000) AS i"
  end)

  local function export(url, source)
    local out, err, code = run { "export", source or "t", "-o", url }
    assert.equal("", out)
    return err, code
  end

  local function copied(sql)
    return psql(("COPY (%s) TO STDOUT (FORMAT csv, HEADER)"):format(sql)) .. "\n"
  end

  it("writes what COPY writes, packed by its name, under any key", function()
    for _, key in ipairs { "new.csv", "a/b c+(1)&ü.csv", "busy.csv", "old.csv" } do
      local err, code = export("s3://lake/" .. key)
      assert.equal(0, code, err)
      assert.equal(copied "TABLE t", pghost.read(web.folder .. "/lake/" .. key))
    end
    assert.equal(0, select(2, export "s3://lake/t.csv.gz"))
    assert.equal(copied "TABLE t", server.shell(("zcat %s/lake/t.csv.gz"):format(web.folder)) .. "\n")
  end)

  it("writes what is large in parts", function()
    local query = "SELECT i, md5(i::text) || md5((i + 1)::text) AS text FROM generate_series(1, 500000) AS i"
    local err, code = export("s3://lake/busy large.csv", query)
    assert.equal(0, code, err)
    assert.equal(server.shell(("psql -X -q -d %s -c %s | sha256sum"):format(pghost.quote(dsn),
      pghost.quote(("COPY (%s) TO STDOUT (FORMAT csv, HEADER)"):format(query)))),
      (server.shell(("sha256sum < '%s/lake/busy large.csv'"):format(web.folder))))
    assert.equal(0, web:uploads())
    assert.truthy(web:log():find("partNumber=2&uploadId=u%2F1%2B%3D", 1, true))
  end)

  it("leaves the object as it was, and no part, where anything fails", function()
    local query = "SELECT i, repeat('x', 100) FROM generate_series(1, 200000) AS i"
    local err, code = export("s3://lake/full.csv", query)
    assert.equal("pghost: could not write 's3://lake/full.csv': HTTP status 507, QuotaExceeded\n", err)
    assert.equal(1, code)
    assert.equal(0, web:uploads())
    assert.equal("pghost: could not write 's3://lake/denied.csv': HTTP status 403, AccessDenied\n",
      (export "s3://lake/denied.csv"))
    assert.equal("pghost: could not write 's3://none/t.csv': HTTP status 404, NoSuchBucket\n",
      (export "s3://none/t.csv"))
    assert.equal(1, select(2, export("s3://lake/old.csv", "SELECT 1 / (500 - id) FROM t")))
    assert.equal("old\n", pghost.read(web.folder .. "/lake/old.csv"))
  end)

  it("refuses what it cannot write to before it asks the server", function()
    for _, url in ipairs { "https://example.org/t.csv", "s3://lake", "s3://lake/", "s3://lake/a/" } do
      local err, code = export(url, "SELECT pg_sleep(100)")
      assert.equal(("pghost: cannot write to '%s': a file or s3://BUCKET/KEY expected\n"):format(url), err)
      assert.equal(2, code)
    end
  end)
end)
