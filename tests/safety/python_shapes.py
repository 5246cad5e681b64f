"""Ways in which Python's library starts a shell, makes a temporary file or is given a password; and their safe forms.

Written from the library's documentation (os, subprocess, tempfile, and popen2 and commands of Python 2) and from the
language's grammar, before the rules that must find them. In each pair the first is dangerous.
"""

from __future__ import annotations

SHELLS = (
    "os.system({c})", "os.popen({c})", "os.popen({c}, 'r', 1)", "os.popen2({c})", "os.popen3({c})", "os.popen4({c})",
    "popen2.popen2({c})", "popen2.popen3({c})", "popen2.popen4({c})", "popen2.Popen3({c})", "popen2.Popen4({c})",
    "commands.getoutput({c})", "commands.getstatusoutput({c})", "subprocess.getoutput({c})",
    "subprocess.getstatusoutput({c})", "asyncio.create_subprocess_shell({c})", "subprocess.run({c}, shell=True)",
    "subprocess.call({c}, shell=True)", "subprocess.check_call({c}, shell=True)",
    "subprocess.check_output({c}, shell=True)", "subprocess.Popen({c}, shell=True)",
    "subprocess.run(args={c}, shell=True)",
    "subprocess.run({c}, cwd='/x', shell=True, check=True)", "subprocess.run(\n    {c},\n    shell=True,\n)",
    "subprocess.run({c}, **{{'shell': True}})", "subprocess.run({c}, shell=1)", "subprocess.run({c}, shell='yes')",
    "subprocess.Popen({c}, 0, None, None, None, None, None, True, True)",
    "subprocess.run({c}, shell=[1])", "subprocess.run({c}, shell=(1,))", "subprocess.run({c}, shell=1.5)",
    "subprocess.run({c}, shell=not False)", "helper({c}, shell=True)", "self.runner.call({c}, shell=True)",
    "loop.subprocess_shell(factory, {c})", "client.exec_command({c})", "ssh.invoke_shell()",
    "from os import system\nsystem({c})", "from os import system as sh\nsh({c})",
    "from os import getcwd as g, system as sh\nsh({c})",
    "import sys as s, os as o\no.system({c})", "import os as o\no.system({c})",
    "import os as o\no.popen({c})", "from os import popen\npopen({c})", "from os import popen2 as p\np({c})",
    "from subprocess import getoutput\ngetoutput({c})", "from subprocess import Popen\nPopen({c}, shell=True)",
    "from subprocess import Popen as pop\npop({c}, shell=True)",
    "from subprocess import call as c\nc({c}, shell=True)",
    "import subprocess as sp\nsp.run({c}, shell=True)", "import subprocess as sp\nsp.getoutput({c})",
    "from commands import getoutput\ngetoutput({c})", "from popen2 import popen3\npopen3({c})",
    "import popen2 as pp\npp.popen2({c})", "with os.popen({c}) as pipe:\n    pass", "out = os.popen({c}).read()",
    "__import__('os').system({c})", "importlib.import_module('os').system({c})", "getattr(os, 'system')({c})",
    "import os, sys\nos.system({c})", "from os import getcwd, system\nsystem({c})",
    "from os import (\n    getcwd,\n    system,\n)\nsystem({c})", "run = os.system\nrun({c})",
    "functools.partial(os.system, {c})", "threading.Thread(target=os.system, args=({c},))", "pty.spawn({c})",
)  # fmt: skip
COMMANDS = (
    "cmd",
    "'ls ' + path",
    "f'ls {path}'",
    "'ls %s' % path",
    "'ls {}'.format(path)",
    "' '.join(words)",
    "'uptime'",
)
NO_SHELLS = (
    "subprocess.run(['ls', path])", "subprocess.run(['ls', path], shell=False)", "subprocess.run(cmd)",
    "subprocess.run(['ls'], shell=None)", "subprocess.run(['ls'], shell=0)", "platform.system()", "self.system(cmd)",
    "# os.system(cmd)", "print('os.system(cmd)')", "os.path.join(a, b)", "shell = True", "config(shell='')",
    "from platform import system\nsystem()", "subprocess.run(['ls'], shell=[])",
)  # fmt: skip
WILDCARDS = (
    "os.system('chown root:root *')", "os.system('chmod 600 *.key')", "os.system('tar cf a.tar *')",
    "os.system('/bin/tar cf /x/a.tar *')", "os.system('rsync -a * host:/x')", "os.popen('tar xf *')",
    "os.popen2('/bin/chmod *')", "subprocess.Popen('/bin/chown *', shell=True)",
    "subprocess.call('rsync /x/* /y', shell=True)", "subprocess.Popen(['chmod', '-R', '600', '*'], shell=True)",
    "subprocess.run(\"tar cf a.tar *\", shell=True)", "subprocess.check_output('chown -R me *', shell=True)",
    "import os as o\no.system('tar cf a.tar *')", "commands.getoutput('chmod 600 *')",
)  # fmt: skip
TEMPORARY = (
    "tempfile.mktemp()", "tempfile.mktemp('.txt')", "from tempfile import mktemp\nmktemp()",
    "from tempfile import mktemp as m\nm()", "import tempfile as t\nt.mktemp()",
    "from tempfile import mkstemp as s, mktemp as m\nm()",
    "import tempfile as t\nt.mktemp(dir=d)",
    "os.tempnam()", "os.tempnam('/x')", "os.tmpnam()", "from os import tempnam\ntempnam('x')",
    "from os import tmpnam\ntmpnam()",
    "import os as o\no.tmpnam()", "open('/tmp/a')", "open('/tmp/a', 'w')", "open(\"/var/tmp/a\", 'w')",
    "path = '/dev/shm/a'", "PATH = r'/tmp/a'", "f = open(f'/tmp/{name}', 'w')", "Path('/tmp/a').write_text(x)",
    "os.path.join('/tmp', name)", "os.mkdir('/tmp/a')", "'/tmp/%s' % name", "b'/tmp/a'", "d = '/tmp'",
    "with open('/tmp/' + name) as f:\n    pass", "shutil.copy(a, '/var/tmp/b')", "NAMES = ['/tmp/a', '/x']",
    "logging.FileHandler('/tmp/app.log')", "tempfile.mkstemp(dir='/tmp/x')", "sqlite3.connect('/tmp/a.db')",
    "open(u'/tmp/a')", "open('''/tmp/a''')", "p = \"\"\"/var/tmp/a\"\"\"", "tempfile.tempdir = '/tmp'",
    "x = '/tmp/a' if y else None",
)  # fmt: skip
NOT_TEMPORARY = (
    "tempfile.mkstemp()", "tempfile.NamedTemporaryFile()", "open('tmp/a')", "open('/tmpfs/a')", "sh('mktemp')",
    "x = 'see /tmp for more'", "# open('/tmp/a')", "open('/srv/tmp/a')", "import tempfile as t\nt.mkdtemp()",
)  # fmt: skip
# {v}: a literal, in quotes.
PASSWORDS = (
    "password = {v}", "PASSWORD = {v}", "db_password = {v}", "dbPassword = {v}", "passwd = {v}", "pwd = {v}",
    "pass_ = {v}",
    "secret = {v}", "passphrase = {v}", "user_pass = {v}", "secrete = {v}", "self.password = {v}",
    "a.b.passwd = {v}",
    "password: str = {v}", "password: str | None = {v}", "password: Final[str] = {v}", "password = old = {v}",
    "old = password = {v}", "user, password = 'a', {v}", "(password) = {v}", "(password := {v})", "password += {v}",
    "config['password'] = {v}", "config[\"db_password\"] = {v}", "config.update(password={v})",
    "d = {{'password': {v}}}",
    "d = {{\"user\": 'a', \"password\": {v}}}", "d = dict(password={v})", "connect('h', password={v})",
    "connect(\n    'h',\n    passwd={v},\n)", "def f(a, password={v}):\n    pass",
    "def f(password: str = {v}):\n    pass",
    "def f(*, passwd={v}):\n    pass", "lambda password={v}: 1", "async def f(pwd={v}):\n    pass",
    "if password == {v}:\n    pass", "if {v} == password:\n    pass", "if user.password != {v}:\n    pass",
    "if request.form['password'] == {v}:\n    pass", "if form.get('password') == {v}:\n    pass",
    "assert password == {v}",
    "while passwd != {v}:\n    pass", "ok = password is {v}", "if password in ({v}, 'b'):\n    pass",
    "class A:\n    password = {v}", "setattr(a, 'password', {v})", "os.environ['PASSWORD'] = {v}",
    "os.environ.setdefault('DB_PASSWORD', {v})", "parser.add_argument('--password', default={v})",
    "password = os.getenv('PASSWORD', {v})", "password = os.environ.get('PASSWORD') or {v}", "password = x or {v}",
    "password = x if y else {v}", "password = ({v})", "password = [{v}]", "d['a']['password'] = {v}",
    "password=str({v})",
    "PASSWORDS = {{'root': {v}}}", "EMAIL_HOST_PASSWORD = {v}", "password = b{v}", "password = {v}.encode()",
    "match password:\n    case {v}:\n        pass",
)  # fmt: skip
VALUES = (
    "'x7Kd02mQ'",
    "'root'",
    '"admin"',
    "'letmein'",
    "'Passw0rd!'",
    "'correct horse battery'",
    "'1234'",
    "'ab'",
    "'changeit'",
)
NO_PASSWORDS = (
    "password = ''", "password = None", "password = input()", "password = getpass('Password: ')",
    "password = os.environ['PASSWORD']", "password_length = 'eight'", "def f(password=None):\n    pass",
    "d = {'password': password}", "label(password='Password')", "password = f'{a}{b}'", "token = next(tokens)",
    "print('password = root')", "if password == '':\n    pass", "help(password='the password of the user')",
    "token_url = 'https://a.example/token'", "password_field = 'password'", "secret_name = 'projects/a/secrets/b'",
)  # fmt: skip
