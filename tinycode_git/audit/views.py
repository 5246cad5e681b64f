"""The documented views that ``query``, ``log`` and ``export`` read: made anew in each connection, never stored.

A view kept in the file could be replaced by one that shows something else; the file holds what the journal holds, and
nothing else.
"""

from __future__ import annotations

import json

_TEXTS = (
    *("log", "id", "action", "phase", "mode", "user", "actor", "risk_level", "ref", "old", "new", "plan", "step"),
    *("details_digest", "previous_hash"),
)
# One reading of the JSON for all fields: DuckDB gives each reading buffers of its own, eighteen of them 150 MB.
_SHAPE = json.dumps({"version": "UINTEGER", **dict.fromkeys((*_TEXTS, "timestamp"), "VARCHAR")})
_COLUMNS = ", ".join(f"entry.{name} AS {name}" for name in ("version", *_TEXTS))
ENTRIES = f"""
CREATE TEMP VIEW entries AS SELECT
  seq,
  CAST(rtrim(entry.timestamp, 'Z') AS TIMESTAMP) AS timestamp,
  {_COLUMNS},
  hash,
  TRY_CAST(details AS JSON) AS details,
  salt = '' AS details_gone
FROM (SELECT seq, from_json(entry, '{_SHAPE}') AS entry, hash, salt, details FROM log)
"""  # noqa: S608 - no value of anybody's is in it

OPERATIONS = """
CREATE TEMP VIEW operations AS SELECT
  first.seq AS seq, coalesce(last.seq, first.seq) AS last_seq, first.id AS id, first.action AS action,
  first.plan AS plan, first.step AS step, first.ref AS ref, first.old AS old,
  CASE WHEN last.new <> '' THEN last.new ELSE first.new END AS new,
  first.risk_level AS risk_level, first.user AS user, first.actor AS actor, first.mode AS mode,
  CASE WHEN last.seq IS NULL THEN (CASE WHEN first.phase = 'intent' THEN 'open' ELSE first.phase END)
       ELSE last.phase END AS outcome,
  first.timestamp AS started, last.timestamp AS ended, first.details AS details, last.details AS result
FROM entries first
LEFT JOIN entries last ON last.id = first.id AND last.phase <> 'intent' AND last.seq > first.seq
WHERE first.phase = 'intent' OR NOT EXISTS (
  SELECT 1 FROM entries other WHERE other.id = first.id AND other.phase = 'intent')
"""

PLANS = """
CREATE TEMP VIEW plans AS SELECT
  plan,
  min(started) FILTER (action = 'propose') AS proposed,
  min(started) FILTER (action = 'apply' AND outcome = 'done') AS applied,
  max(started) FILTER (action = 'rollback' AND outcome = 'done') AS rolled_back,
  max(started) FILTER (action = 'reject' AND outcome = 'done') AS rejected,
  max(coalesce(ended, started)) - min(started) AS lived,
  arg_max(user, seq) FILTER (action = 'apply' AND outcome = 'done') AS approved_by,
  arg_max(risk_level, seq) AS risk_level,
  count(*) AS operations
FROM operations WHERE plan <> '' GROUP BY plan
"""

APPROVALS = """
CREATE TEMP VIEW approvals AS SELECT
  seq, coalesce(ended, started) AS approved, plan, user AS approved_by, risk_level, ref, old, new AS merge,
  EXISTS (SELECT 1 FROM operations undo WHERE undo.plan = done.plan AND undo.action = 'rollback'
          AND undo.outcome = 'done' AND undo.seq > done.seq) AS rolled_back_later
FROM operations done WHERE action = 'apply' AND outcome = 'done'
"""

MODELS = """
CREATE TEMP VIEW models AS SELECT
  seq, timestamp, plan, phase, actor, details->>'$.model' AS model, details->>'$.digest' AS digest,
  details->>'$.prompt' AS prompt, details->>'$.question' AS prompt_hash, details
FROM entries WHERE action = 'model'
"""

VIEWS = {
    "entries": ENTRIES,
    "operations": OPERATIONS,
    "plans": PLANS,
    "approvals": APPROVALS,
    "models": MODELS,
}
