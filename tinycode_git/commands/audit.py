"""``git tiny audit``: read, verify, publish and prove the audit log."""

from __future__ import annotations

from tinycode_git.commands import audit_change, audit_log, audit_publish, audit_query, audit_show, audit_verify
from tinycode_git.commands.app import new_app

app = new_app("Read, verify, publish and prove the log of everything that git tiny did here.")

app.command("log")(audit_log.log)
app.command("show")(audit_show.show)
app.command("verify")(audit_verify.verify)
app.command("checkpoint")(audit_publish.checkpoint)
app.command("push")(audit_publish.push)
app.command("prove")(audit_verify.prove)
app.command("query")(audit_query.query)
app.command("export")(audit_query.export)
app.command("erase")(audit_change.erase)
app.command("restore")(audit_change.restore)
