-- Files of the library whose SQL is not qualified yet, and who is at it: what shadow_spec.lua and
-- qualified_spec.lua find in them is pending. A file that is done leaves this list.

return {
  ["command/replay.lua"] = "engine",
  ["input/recorded_dialect.lua"] = "chouse",
  ["ledger/concurrent.lua"] = "modes",
  ["ledger/entries.lua"] = "modes",
  ["ledger/init.lua"] = "modes",
  ["load/accounts.lua"] = "engine",
  ["load/budget.lua"] = "engine",
  ["load/file_records.lua"] = "engine",
  ["load/keys.lua"] = "engine",
  ["load/raw_table.lua"] = "engine",
  ["load/remarks.lua"] = "engine",
  ["modes/init.lua"] = "modes",
  ["modes/statements.lua"] = "modes",
  ["rejects/export.lua"] = "engine",
  ["rejects/originals.lua"] = "engine",
  ["rejects/replay/outcome.lua"] = "engine",
  ["rejects/replay/published.lua"] = "engine",
  ["rejects/replay/snapshot.lua"] = "engine",
  ["rejects/replay/sources.lua"] = "engine",
  ["run.lua"] = "engine",
  ["run/resume.lua"] = "engine",
}
