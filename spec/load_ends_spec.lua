-- The load engine: how a load ends that does not reach its end, and what it says until then.

local csv = require "pghost.native.csv"
local here = require "support.native_load"
local lfs = require "lfs"
local load = require "pghost.native.load"
local pghost = require "support.pghost"
local server = require "support.server"

local connect, begin, open_raw, all = here.connect, here.begin, here.open_raw, here.all

describe("load", function()
  here.once()

  it("leaves no COPY and no transaction behind when its scope is left by an error", function()
    local conn <close> = begin(connect())
    local pid = conn:pid()
    pcall(function()
      local handle <close> = open_raw(conn)
      local source <close> = assert(csv.open_string("id,name,amount,seen\n1,a,,\n"))
      assert(handle:file(source, { raw_map = { 1, 2, 3, 4 } }))
      error("left")
    end)
    assert.same({ "idle in transaction (aborted)" }, all("select state from pg_stat_activity where pid = " .. pid))
    assert(conn:exec("rollback"))
    assert.same({ "idle" }, all("select state from pg_stat_activity where pid = " .. pid))
  end)

  -- Loads more records than fit into all buffers; the message and code of the failure.
  local function fail_with_many(handle)
    local rows = {}
    for i = 1, 200000 do
      rows[i] = i .. ",a,,"
    end
    local source <close> = assert(csv.open_string("id,name,amount,seen\n" .. table.concat(rows, "\n")))
    local counts, message, code = handle:file(source, { raw_map = { 1, 2, 3, 4 } })
    if counts then
      counts, message, code = handle:finish()
    end
    assert.is_nil(counts)
    return message, code
  end

  it("says what the server refused and stops", function()
    assert(here.control:exec("create table narrow (id text, _file_id bigint, _line bigint)"))
    local conn <close> = begin(connect())
    local handle <close> = assert(load.open { raw = { conn = conn, copy = "copy narrow from stdin (format binary)" } })
    local message, code = fail_with_many(handle)
    assert.truthy(message:find("field count"), message)
    assert.equal("22P04", code)
  end)

  it("stops when a backend is terminated", function()
    local conn <close> = begin(connect())
    local handle <close> = open_raw(conn)
    assert(here.control:query("select pg_terminate_backend($1)", conn:pid()))
    local message, code = fail_with_many(handle)
    assert.truthy(message)
    assert.truthy(code == "57P01" or code:find("^08"), code)
    assert.equal("lost", conn:status())
  end)

  it("refuses a connection that is busy", function()
    local conn <close> = begin(connect())
    local handle <close> = open_raw(conn)
    assert.has_error(function()
      open_raw(conn)
    end, "connection is busy with a load")
    handle:abort()
    assert.is_nil(conn:query("select 1"))
  end)

  it("tells its progress in bytes as they lie on the disk, packed or not", function()
    local folder <const> = pghost.folder()
    local path, count, lines = folder .. "/in.csv", 80000, { "id,name,amount,seen" }
    for i = 1, count do
      lines[#lines + 1] = ("%d,%x,%d,"):format(i, i * 2654435761 % 4294967296, i * 40503 % 65536)
    end
    pghost.write(path, table.concat(lines, "\n") .. "\n")
    server.shell(("python3 '%s/spec/support/packed.py' '%s'"):format(pghost.root, path))
    server.shell(("iconv -f utf-8 -t utf-16 '%s' >'%s.utf16'"):format(path, path))
    server.shell(("iconv -f utf-8 -t utf-32 '%s' >'%s.utf32'"):format(path, path))
    assert(here.control:exec [[create function slowly() returns trigger language plpgsql as $$
      begin perform pg_sleep(0.12); return new; end $$;
      create trigger slowly before insert on thing_raw for each row when (new._line % 20000 = 0)
      execute function slowly()]])
    for _, ending in ipairs { "", ".gz", ".bz2", ".xz", ".zst", ".utf16", ".utf32" } do
      local size, seen = lfs.attributes(path .. ending, "size"), 0
      local most_off = ending == ".bz2" and 0.6 or 0.15 -- which is unpacked in blocks of 900 kB
      local conn <close> = begin(connect())
      local handle <close> = open_raw(conn)
      local source <close> = assert(csv.open(path .. ending))
      local counts = assert(handle:file(source, {
        raw_map = here.map.raw_map,
        progress = function(records, bytes)
          seen = seen + (records > 0 and 1 or 0)
          local off = math.abs(bytes / size - records / count)
          assert(off < most_off, ("%s: %d of %d bytes, %d records"):format(ending, bytes, size, records))
        end,
      }))
      assert.is_true(seen > 0, ending)
      assert.equal(size, counts.input_bytes, ending)
    end
    assert(here.control:exec "drop trigger slowly on thing_raw")
    pghost.remove(folder)
  end)

  it("closes itself when the progress function raises", function()
    local conn <close> = begin(connect())
    local handle <close> = open_raw(conn)
    local rows = {}
    for i = 1, 600000 do
      rows[i] = i .. ",a,,"
    end
    local source <close> = assert(csv.open_string("id,name,amount,seen\n" .. table.concat(rows, "\n")))
    local ok, message = pcall(handle.file, handle, source, {
      raw_map = { 1, 2, 3, 4 },
      progress = function()
        error("enough", 0)
      end,
    })
    assert.is_false(ok)
    assert.equal("enough", message)
    assert.has_error(function()
      handle:finish()
    end, "load is closed")
  end)
end)
