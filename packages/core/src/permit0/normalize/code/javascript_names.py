"""What JavaScript's names do: pure ones by list, known others with their features.

Guarantees: a name that is on no list here is nobody's pure name.
Does not: know what a page or an interpreter has put under a name before.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["KNOWN_GLOBALS", "KNOWN_MEMBERS", "KNOWN_MODULES", "PURE_GLOBALS", "PURE_MEMBERS"]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PURE_GLOBALS: Final = _set(
    "Math JSON Number String Boolean Array Date Map Set WeakMap WeakSet RegExp BigInt Symbol Promise Intl "
    "Object Error TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError "
    "parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent encodeURI decodeURI "
    "escape unescape undefined NaN Infinity console Int8Array Uint8Array Uint8ClampedArray Int16Array "
    "Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array "
    "ArrayBuffer DataView structuredClone btoa atob TextEncoder TextDecoder URLSearchParams performance "
    "Iterator"
)
_NETWORK = _set(
    "fetch XMLHttpRequest WebSocket EventSource WebTransport RTCPeerConnection Image Audio Worker "
    "SharedWorker importScripts navigator axios $ jQuery Request Response Headers FormData WebSocketStream "
    "BroadcastChannel ServiceWorker Notification open http https net dns got superagent XDomainRequest "
    "$http chrome browser"
)
_STORAGE = _set(
    "localStorage sessionStorage indexedDB caches cookieStore CookieStore credentials PasswordCredential"
)
_PAGE = _set(
    "document window self globalThis top parent frames opener location history screen Element Node "
    "HTMLElement NodeList getComputedStyle getSelection frameElement customElements DOMParser "
    "MutationObserver IntersectionObserver scrollTo scrollBy scroll innerWidth innerHeight scrollY "
    "scrollX pageYOffset devicePixelRatio crypto name event matchMedia requestAnimationFrame this"
)
KNOWN_GLOBALS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_PAGE, ("page_read",)),
        **dict.fromkeys(_NETWORK, ("network",)),
        **dict.fromkeys(_STORAGE, ("browser_storage",)),
        **dict.fromkeys(
            _set(
                "eval Function GeneratorFunction AsyncFunction Reflect Proxy constructor WebAssembly vm "
                "setImmediate execScript ShadowRealm Deno Bun module exports global arguments "
                "FinalizationRegistry WeakRef SharedArrayBuffer Atomics trustedTypes setInterval"
            ),
            ("dynamic",),
        ),
        "process": ("env",), "Buffer": (), "require": ("dynamic",), "clipboard": ("clipboard",),
        "alert": ("page_change",), "confirm": ("page_change",), "prompt": ("input",),
        "print": (), "close": ("page_change",), "stop": ("page_change",), "postMessage": ("network",),
        "setTimeout": (), "queueMicrotask": (), "clearTimeout": (), "clearInterval": (),
        "fs": ("files_read", "files_write"), "child_process": ("process",), "execSync": ("process",),
        "page": ("page_read", "page_change"), "context": ("page_read", "page_change"),
    }
)  # fmt: skip

PURE_MEMBERS: Final = _set(
    # arrays, texts, numbers
    "length push pop shift unshift slice splice concat join reverse sort indexOf lastIndexOf includes "
    "find findIndex findLast findLastIndex filter map reduce reduceRight forEach some every flat flatMap "
    "fill keys values entries at from of isArray copyWithin toSorted toReversed with charAt charCodeAt "
    "codePointAt fromCharCode fromCodePoint split substring substr trim trimStart trimEnd padStart padEnd "
    "repeat replace replaceAll match matchAll search startsWith endsWith toUpperCase toLowerCase "
    "localeCompare normalize toString toFixed toPrecision toExponential toLocaleString "
    "valueOf raw isInteger isSafeInteger isFinite "
    "isNaN parseFloat parseInt MAX_SAFE_INTEGER MIN_SAFE_INTEGER MAX_VALUE MIN_VALUE EPSILON "
    "POSITIVE_INFINITY NEGATIVE_INFINITY byteLength set get has delete clear add size next done value "
    "test exec source flags lastIndex index groups input "
    # Math, JSON, Object, Date, console, Promise
    "PI E LN2 LN10 LOG2E LOG10E SQRT2 abs ceil floor round trunc sign sqrt cbrt pow exp expm1 log log2 "
    "log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh hypot min max random clz32 imul fround "
    "parse stringify freeze fromEntries is isFrozen hasOwn hasOwnProperty now UTC getTime "
    "getFullYear getMonth getDate getDay getHours getMinutes getSeconds getMilliseconds getUTCFullYear "
    "getUTCMonth getUTCDate getUTCDay getUTCHours getTimezoneOffset setFullYear setMonth setDate setHours "
    "setMinutes setSeconds toISOString toJSON toDateString toTimeString toLocaleDateString "
    "toLocaleTimeString info warn error debug table group groupEnd dir time timeEnd count assert all race "
    "allSettled any resolve reject then catch finally message stack name cause groupBy "
    "NumberFormat DateTimeFormat "
    "Collator format formatToParts compare description iterator encode decode append getAll subarray "
    "buffer union intersection difference isSubsetOf"
)

KNOWN_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_set(
            "constructor __proto__ prototype __defineGetter__ __lookupGetter__ caller callee eval Function "
            "setPrototypeOf getPrototypeOf defineProperty defineProperties getOwnPropertyDescriptor "
            "getOwnPropertyNames getOwnPropertySymbols apply call bind createElement constructor mainModule "
            "binding dlopen runInThisContext runInNewContext compileFunction _load require importNode "
            "createContextualFragment setInterval assign create construct evaluate evaluateHandle "
            "addScriptTag addInitScript exposeFunction $eval $$eval"
        ), ("dynamic",)),
        **dict.fromkeys(_set(
            "fetch sendBeacon open send postMessage src srcset href action formAction ping XMLHttpRequest "
            "WebSocket EventSource Image importScripts location connect request post put "
            "goto navigate pushState replaceState register getUserMedia serviceWorker upload download "
            "connectNative sendMessage Worker RTCPeerConnection data poster"
        ), ("network",)),
        **dict.fromkeys(_set(
            "cookie localStorage sessionStorage indexedDB getItem setItem removeItem cookieStore caches "
            "credentials storageState cookies addCookies clearCookies storage"
        ), ("browser_storage",)),
        **dict.fromkeys(_set("clipboard writeText readText execCommand"), ("clipboard",)),
        **dict.fromkeys(_set(
            "innerHTML outerHTML insertAdjacentHTML write writeln appendChild insertBefore "
            "removeChild replaceChild replaceWith remove setAttribute removeAttribute click submit reset "
            "requestSubmit dispatchEvent focus blur classList style textContent innerText checked selected "
            "disabled onclick onerror onload addEventListener scrollIntoView scrollTo reload back forward "
            "go replaceChildren prepend before after insertAdjacentElement toggle press type check "
            "select hover dblclick tap selectOption setInputFiles waitForSelector"
        ), ("page_change",)),
        **dict.fromkeys(_set(
            "querySelector querySelectorAll getElementById getElementsByClassName getElementsByTagName "
            "getElementsByName getAttribute children childNodes parentNode parentElement firstChild "
            "body head "
            "documentElement title URL domain referrer forms images links scripts styleSheets dataset "
            "getBoundingClientRect attributes className id tagName nodeName nodeType firstElementChild "
            "nextSibling nextElementSibling previousElementSibling closest matches offsetWidth offsetHeight "
            "clientWidth clientHeight scrollHeight outerText readyState contentDocument contentWindow "
            "userAgent language innerWidth innerHeight"
        ), ("page_read",)),
        **dict.fromkeys(_set(
            "execSync execFile execFileSync spawn spawnSync fork kill execa exit abort chdir "
            "Command"
        ), ("process",)),
        **dict.fromkeys(_set(
            "readFile readFileSync readdir readdirSync createReadStream stat statSync existsSync "
            "readTextFile readTextFileSync readDir realpath"
        ), ("files_read",)),
        **dict.fromkeys(_set(
            "writeFile writeFileSync appendFile appendFileSync createWriteStream mkdir mkdirSync rename "
            "renameSync copyFile copyFileSync chmod symlink writeTextFile truncate"
        ), ("files_write",)),
        **dict.fromkeys(_set("unlink unlinkSync rm rmSync rmdir rmdirSync"), ("files_delete",)),
        **dict.fromkeys(_set("env argv execArgv homedir hostname userInfo networkInterfaces"), ("env",)),
        **dict.fromkeys(_set("query execute insertOne updateOne deleteOne deleteMany"), ("database",)),
    }
)  # fmt: skip
"""Members that are dangerous on whatever object they are."""

KNOWN_MODULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_set(
            "child_process cluster worker_threads execa shelljs zx cross-spawn"
        ), ("process",)),
        **dict.fromkeys(_set(
            "http https http2 net dgram tls dns axios node-fetch got superagent request undici ws socket.io "
            "socket.io-client puppeteer playwright express openai stripe twilio googleapis octokit"
        ), ("network",)),
        **dict.fromkeys(_set("nodemailer imap"), ("mail", "network")),
        **dict.fromkeys(_set(
            "fs fs/promises fs-extra graceful-fs glob rimraf del archiver adm-zip"
        ), ("files_read", "files_write", "files_delete")),
        **dict.fromkeys(_set(
            "mysql mysql2 pg sqlite3 better-sqlite3 mongodb mongoose redis ioredis knex"
        ), ("database",)),
        **dict.fromkeys(_set("vm vm2 module repl inspector v8 isolated-vm eval"), ("dynamic",)),
        **dict.fromkeys(_set("os process dotenv keytar"), ("env",)),
    }
)  # fmt: skip
