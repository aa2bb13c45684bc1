-- Settings that are secret: not in the schema `pghost`, not in --help, not in a replay by mistake.

local fixture = require "support.fixture"
local project = require "support.project"
local secrets = require "pghost.run.secrets"
local server = require "support.server"

describe("a secret setting", function()
  it("is told by parts of its name", function()
    for _, name in ipairs { "smtp_pass", "db_password", "PASSWD", "pw", "apiKey", "api_key", "API_KEY2", "authToken",
      "auth", "client_secret", "dsn", "source_url", "aws_access_key_id", "privateKey", "my-token", "bearer", "pass2",
      "passphrase", "cookie", "login_credentials", "databaseURI",
      "pin", "slack_webhook", "hmac" } do
      assert.is_true(secrets.is({ [name] = "x" }, name), name)
    end
    for _, name in ipairs { "data", "schema", "passengers", "compass", "monkey", "turkey", "keyboard", "author",
      "bypass_lane", "pinned", "shipping", "signal", "design", "as_of", "curl_opts", "max_rejects" } do
      assert.is_false(secrets.is({ [name] = "x" }, name), name)
    end
  end)

  it("is told by its value", function()
    for _, value in ipairs { "postgresql://u:p@h/d", "ftp://u@h", "host=h password=x", "Server=h;Pwd=x;", "Bearer abc",
      "Basic dXNlcjpwYXNz", "-----BEGIN RSA PRIVATE KEY-----\nMII", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOi.eyJzdWIi.x",
      "ghp_0123456789abcdef", "https://h/?token=abc", "Authorization: Bearer abc", "X-Auth: bearer abc",
      "https://h/b?sv=1&sig=abc", "https://s3/b?X-Amz-Signature=abc", "https://h/?api_key=abc&x=1",
      "https://hooks.slack.com/services/T0/B0/abc", "https://discord.com/api/webhooks/1/abc",
      "https://x.webhook.office.com/webhookb2/1", "github_pat_0abc", "glpat-abc", "AIzaSyAbc", "SG.abc.def",
      "hvs.abc" } do
      assert.is_true(secrets.is({ plain = value }, "plain"), value)
    end
    for _, value in ipairs { "", "data", "2024-06-30 00:00:00", "https://example.org/x", "basic", "a@b", "the bearer",
      "SG. Bonn",
      "https://slack.com/intl", "design=1", 5, true } do
      assert.is_false(secrets.is({ plain = value }, "plain"), tostring(value))
    end
  end)

  it("is what the config declares, and a misspelt declaration is refused", function()
    local config = { parameters = { smtp_host = "h", other = "o" }, secret = { "smtp_host" } }
    secrets.check(config)
    assert.same({ true, false }, { secrets.is(config, "smtp_host"), secrets.is(config, "other") })
    for problem, given in pairs {
      ["secret: the config has no parameter 'smtp_hots': did you mean 'smtp_host'?"] = { "smtp_hots" },
      ["secret: a list of names of parameters expected"] = { smtp_host = true },
    } do
      config.secret = given
      local good, raised = pcall(secrets.check, config)
      assert.same({ false, problem, "usage" }, { good, tostring(raised), raised.code })
    end
  end)

  describe("of a run", function()
    local p
    local script = [[
      local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local run <close> = pipeline.start("secrets", {
        parameters = {
          smtp_pass = "hunter2", nested = { deep = { password = "hunter2" }, list = { "hunter2" } },
          target = "x://u:hunter2@h", quiet_word = "hunter2", plain = "seen",
        },
        secret = { "quiet_word" },
      })
      run:load("t", "t.csv", r.table("t", { { "k", r.integer():required() } }))
      run:publish()]]

    fixture.each(function(keep)
      p = keep(project.new { ["p.lua"] = script })
      os.execute("mkdir " .. p.folder .. "/data")
      p:write("data/t.csv", "k\n1\nx\n")
    end)

    it("is stored nowhere", function()
      local err, code = p:run("p.lua", { "--smtp-pass", "hunter2" })
      assert.equal(0, code, err)
      local dump = server.shell(("pg_dump -d '%s'"):format(p.dsn))
      assert.matches('"plain": "seen"', dump, nil, true)
      assert.is_nil(dump:find("hunter2", 1, true))
      assert.is_nil(err:find("hunter2", 1, true))
    end)

    it("is not shown by --help", function()
      local out = p:pghost("p.lua", "--help")
      assert.matches("--smtp-pass", out, nil, true)
      assert.matches("(now: seen)", out, nil, true)
      assert.is_nil(out:find("hunter2", 1, true))
    end)

    it("has to be given to a replay once more", function()
      assert.equal(0, (select(2, p:run("p.lua", { "--smtp-pass", "hunter2" }))))
      local _, err, code = p:pghost("replay", "1")
      assert.same({ "pghost: setting 'smtp_pass' of run 1 is secret and was not recorded: give it again, "
        .. "pghost replay 1 -- --smtp-pass VALUE\n", 2 }, { err, code })
    end)
  end)
end)
