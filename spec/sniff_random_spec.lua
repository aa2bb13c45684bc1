-- Random tables in random dialects, written and read by Python's csv module.

local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local csv = require "pghost.sniff"
local native_csv = require "pghost.native.csv"
local pghost = require "support.pghost"
local new_seed = require "support.seed"

describe("random tables in random dialects", function()
  local cases = math.tointeger(tonumber(os.getenv("PGHOST_SNIFF_CASES") or "300"))
  local seed = new_seed "PGHOST_SNIFF_SEED"

  -- Whether csv.open reads them, too; nil where it takes no such option.
  local function read_by_pghost(path, options, rows, header)
    local good, source = pcall(native_csv.open, path, options)
    if not good or not source then
      return nil
    end
    local closed <close> = source
    local at = header and 1 or 0
    for _, record in closed:records() do
      at = at + 1
      for i, cell in ipairs(rows[at] or {}) do
        if not record or (record[i] or "") ~= cell then
          return false
        end
      end
    end
    return at == #rows
  end

  it("are read with what was found", function()
    local folder = pghost.folder()
    local tool = ("python3 %s/spec/support/sniff_tables.py"):format(pghost.quote(pghost.root))
    local _, err, code = pghost.shell(("%s write %d %d %s"):format(tool, seed, cases, folder))
    assert.same({ "", 0 }, { err, code or 0 })
    local read, wrongly_read = 0, {}
    for i = 1, cases do
      local path = ("%s/%d"):format(folder, i)
      local result = csv.sniff(path .. ".csv")
      local taken = pcall(auto_dialect.sniff, { dialect = "auto" }, { path = path .. ".csv", name = "it" }, tostring)
      pghost.write(path .. ".sniff.json", cjson.encode { options = result.options, dialect = result.dialect,
        warnings = result.warnings, refused = not taken })
      local written = cjson.decode(pghost.read(path .. ".json"))
      local same = read_by_pghost(path .. ".csv", result.options, written.rows, written.dialect.header)
      read = read + (same and 1 or 0)
      if same == false then
        wrongly_read[#wrongly_read + 1] = path
      end
    end
    local report = cjson.decode((pghost.shell(("%s check %s"):format(tool, folder))))
    print(("\nsniffed with seed %d: %d tables, %d right, %d unsure, %d wrong; csv.Sniffer %d right; csv.open read %d")
      :format(seed, report.cases, report.right, report.unsure, #report.wrong, report.sniffer, read))
    assert.equal(cases, report.cases)
    local wrong = table.concat(report.wrong, "\n") .. "\nseed " .. seed
    assert.is_true(#report.wrong <= math.max(1, cases // 200), wrong)
    assert.is_true(report.right >= cases * 0.97, wrong)
    assert.is_true(#wrongly_read <= #report.wrong + report.unsure, table.concat(wrongly_read, " ") .. "\n" .. wrong)
    assert.is_true(read > cases // 4)
    pghost.remove(folder)
  end)
end)
