-- Ctrl-C at the prompt at the worst moments: it is never lost, and stops nothing that comes after it.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"
local server = require "support.server"

local library = pghost.path:match "^(.*)/" .. "/signal_before_wait.so"

describe("Ctrl-C at the prompt", function()
  local home

  fixture.each(function(keep)
    home = keep(pghost.folder())
  end)

  local leave = "print('bye'..'!')\n"
  local gone = { "bye!\r\n" }

  if not os.getenv "PGHOST_SPEC_SANITIZER" then
    for number, typed in pairs { {}, [3] = { "1\n", { "1\r\n> " } } } do
      it(("between the last look and the %d. sleep is not left to the next key"):format(number), function()
        table.move({ { "\n> " }, leave, gone, "\4" }, 1, 4, #typed + 1, typed)
        local out, code = prompt.talk(home, typed, nil, ("LD_PRELOAD=%s PGHOST_SIGNAL_AT=%d"):format(library, number))
        assert.equal(0, code, out)
      end)
    end
  end

  it("at any moment of a query ends that one, and not the next", function()
    local talk = {}
    for i = 1, 20 do
      talk[#talk + 1] = ("conn:query('SELECT pg_sleep(0.01), %d')[1][2]\n"):format(i)
      talk[#talk + 1] = { wait = i }
      talk[#talk + 1] = "\3"
      talk[#talk + 1] = { wait = 150 } -- whether it came before, in or after the query: then there is a prompt
      talk[#talk + 1] = ("conn:query('SELECT $$ro$$ || $$und %d$$')[1][1]\n"):format(i)
      talk[#talk + 1] = { ("round %d\r\n"):format(i) }
    end
    table.move({ leave, gone, "\4" }, 1, 3, #talk + 1, talk)
    local out, code = prompt.talk(home, talk, "--dsn " .. pghost.quote(server.get():database()))
    assert.equal(0, code, out:sub(-1000))
    assert.falsy(out:find("stack traceback", 1, true), out)
  end)
end)
