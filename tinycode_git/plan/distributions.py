"""Python distributions whose import name is not their own: import name to the names on the package index."""

from __future__ import annotations

_TEXT = """
    yaml: pyyaml | PIL: pillow, pillow-simd | cv2: opencv-python, opencv-python-headless, opencv-contrib-python
    bs4: beautifulsoup4 | sklearn: scikit-learn | skimage: scikit-image | dateutil: python-dateutil
    dotenv: python-dotenv | jwt: pyjwt | git: gitpython | gitdb: gitdb | github: pygithub | gitlab: python-gitlab
    attr: attrs | OpenSSL: pyopenssl | Crypto: pycryptodome, pycrypto | Cryptodome: pycryptodomex | serial: pyserial
    usb: pyusb | magic: python-magic, python-magic-bin | docx: python-docx | pptx: python-pptx | fitz: pymupdf
    MySQLdb: mysqlclient | psycopg2: psycopg2-binary | grpc: grpcio | grpc_tools: grpcio-tools
    google.protobuf: protobuf | pkg_resources: setuptools | setuptools: setuptools | mpl_toolkits: matplotlib
    pylab: matplotlib | win32api: pywin32 | win32con: pywin32 | win32gui: pywin32 | win32com: pywin32
    pythoncom: pywin32 | pywintypes: pywin32 | zmq: pyzmq | nacl: pynacl | ldap: python-ldap | slugify: python-slugify
    jose: python-jose | multipart: python-multipart | socks: pysocks | gi: pygobject | wx: wxpython | faiss: faiss-cpu,
    faiss-gpu | umap: umap-learn | discord: discord-py | telegram: python-telegram-bot
    rest_framework: djangorestframework | corsheaders: django-cors-headers | environ: django-environ, environ-config
    allauth: django-allauth | debug_toolbar: django-debug-toolbar | django_filters: django-filter
    storages: django-storages | crispy_forms: django-crispy-forms | import_export: django-import-export
    _pytest: pytest | py: pytest, py | re2: google-re2 | kafka: kafka-python | nmap: python-nmap
    rapidjson: python-rapidjson | xdg: pyxdg, xdg | snappy: python-snappy | Xlib: python-xlib
    speech_recognition: speechrecognition | llama_cpp: llama-cpp-python | pythonjsonlogger: python-json-logger
    osgeo: gdal | OpenGL: pyopengl | antlr4: antlr4-python3-runtime | dns: dnspython | ahocorasick: pyahocorasick
    engineio: python-engineio | socketio: python-socketio | keycloak: python-keycloak | jenkins: python-jenkins
    hcl2: python-hcl2 | ulid: python-ulid | bson: pymongo | gridfs: pymongo | googleapiclient: google-api-python-client
    apiclient: google-api-python-client | sass: libsass | vcr: vcrpy | pyximport: cython | cairo: pycairo
    dbus: dbus-python | tlz: toolz | Levenshtein: levenshtein, python-levenshtein | editor: python-editor
    flask_login: flask-login | nio: matrix-nio | pwiz: peewee | playhouse: peewee | tensorflow: tensorflow-cpu,
    tensorflow-gpu, tensorflow-macos | lazy_object_proxy: lazy-object-proxy | mx: egenix-mx-base | pip: pip
    markdown_it: markdown-it-py | mdit_py_plugins: mdit-py-plugins | numpy: numpy | yarl: yarl | charset_normalizer:
    charset-normalizer | ruamel: ruamel-yaml | pysqlite3: pysqlite3-binary | webview: pywebview | AppKit: pyobjc
    Foundation: pyobjc | objc: pyobjc-core | Quartz: pyobjc-framework-quartz | talib: ta-lib | aiortc: aiortc
    can: python-can | barcode: python-barcode | xmlsec: python-xmlsec, xmlsec | saml2: pysaml2 | consul: python-consul
    memcache: python-memcached | digitalocean: python-digitalocean | twitter: python-twitter | tables: tables
    frontmatter: python-frontmatter | pyaudio: pyaudio | sh: sh | OpenEXR: openexr | Bio: biopython | rdkit: rdkit-pypi
    ffmpeg: ffmpeg-python | decouple: python-decouple | gflags: python-gflags | daemon: python-daemon
    pylsp: python-lsp-server | jsonrpc: json-rpc | igraph: igraph, python-igraph | community: python-louvain
    skopt: scikit-optimize | imblearn: imbalanced-learn | sksparse: scikit-sparse | hydra: hydra-core
    pytorch_lightning: pytorch-lightning, lightning | clip: clip | whisper: openai-whisper | fastai: fastai
    sentence_transformers: sentence-transformers | weaviate: weaviate-client | pinecone: pinecone-client, pinecone
    qdrant_client: qdrant-client | kubernetes: kubernetes | ibm_db: ibm-db | cx_Oracle: cx-oracle | pymssql: pymssql
"""


def _table() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    name = ""
    for part in _TEXT.replace("|", "\n").splitlines():
        head, colon, tail = part.partition(":")
        if colon:
            name = head.strip()
        for one in (tail if colon else head).split(","):
            if name and one.strip():
                table[name] = (*table.get(name, ()), one.strip())
    return table


DISTRIBUTIONS = _table()
