"""What Python's names do: pure ones by list, known others with their features.

Guarantees: a name that is on no list here is nobody's pure name. The lists of pure names were made by
reading the modules' documentation: what can open a file, run text as code (typing.get_type_hints,
functools.singledispatch, pandas' query) or start a program (uuid.uuid1) is left out.
Does not: know what a module of the same name in the working directory does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = [
    "BUILTINS", "DUNDERS", "KNOWN_BUILTINS", "KNOWN_MEMBERS", "KNOWN_MODULES", "PURE_BUILTINS",
    "PURE_MEMBERS", "PURE_MODULES", "THIRD_PARTY",
]  # fmt: skip


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PURE_BUILTINS: Final = _set(
    "abs aiter all anext any ascii bin bool bytearray bytes callable chr classmethod complex dict "
    "divmod enumerate filter float format frozenset hash hex id int isinstance issubclass iter len "
    "list map max memoryview min next object oct ord pow print property range repr reversed round "
    "set slice sorted staticmethod str sum super tuple zip True False None NotImplemented Ellipsis "
    "__name__ exit quit "
    "ArithmeticError AssertionError AttributeError BaseException EOFError Exception "
    "FloatingPointError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError "
    "NotImplementedError OverflowError RecursionError RuntimeError StopIteration "
    "StopAsyncIteration SyntaxError SystemExit TypeError UnicodeDecodeError UnicodeEncodeError "
    "UnicodeError ValueError Warning DeprecationWarning UserWarning RuntimeWarning FutureWarning "
    "ZeroDivisionError OSError IOError FileNotFoundError TimeoutError ExceptionGroup"
)
KNOWN_BUILTINS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "eval": ("dynamic",), "exec": ("dynamic",), "compile": ("dynamic",),
        "__import__": ("dynamic",), "globals": ("dynamic",), "locals": ("dynamic",),
        "vars": ("dynamic",), "getattr": ("dynamic",), "setattr": ("dynamic",),
        "delattr": ("dynamic",), "hasattr": (), "type": (), "dir": ("dynamic",),
        "open": ("files_read", "files_write"), "input": ("input",), "raw_input": ("input",),
        "breakpoint": ("dynamic", "input"), "help": ("input", "dynamic"), "license": ("input",),
        "credits": ("input",), "copyright": (), "execfile": ("dynamic",), "reload": ("dynamic",),
        "__builtins__": ("dynamic",), "__loader__": ("dynamic",), "__spec__": ("dynamic",),
        "__file__": (), "get_ipython": ("dynamic", "process"), "display": (), "file": ("files_read",),
        "unicode": (), "xrange": (), "basestring": (), "__builtin__": ("dynamic",),
    }
)  # fmt: skip
BUILTINS: Final = PURE_BUILTINS | KNOWN_BUILTINS.keys()

DUNDERS: Final = _set(
    "__init__ __name__ __len__ __doc__ __str__ __repr__ __eq__ __lt__ __gt__ __le__ __ge__ __hash__ "
    "__iter__ __next__ __contains__ __getitem__ __setitem__ __delitem__ __add__ __sub__ __mul__ "
    "__truediv__ __floordiv__ __mod__ __pow__ __neg__ __abs__ __bool__ __int__ __float__ __enter__ "
    "__exit__ __call__ __post_init__ __version__ __radd__ __rmul__ __iadd__ __and__ __or__ __xor__ "
    "__slots__ __match_args__ __main__ __all__ __matmul__ __ne__ __format__ __round__ __rsub__"
)
"""Names with underscores that lead nowhere else."""

PURE_MODULES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "math": _set("*"),
        "cmath": _set("*"),
        "itertools": _set("*"),
        "heapq": _set("heappush heappop heapify heapreplace heappushpop nlargest nsmallest merge"),
        "bisect": _set("bisect bisect_left bisect_right insort insort_left insort_right"), "string": _set(
            "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation "
            "printable whitespace capwords Template"
        ),
        "statistics": _set(
            "mean fmean geometric_mean harmonic_mean median median_low median_high median_grouped "
            "mode multimode pstdev pvariance stdev variance quantiles covariance correlation "
            "linear_regression NormalDist StatisticsError"
        ),
        "decimal": _set(
            "Decimal Context getcontext setcontext localcontext ROUND_HALF_UP ROUND_HALF_EVEN "
            "ROUND_DOWN ROUND_UP ROUND_FLOOR ROUND_CEILING ROUND_HALF_DOWN InvalidOperation "
            "DivisionByZero"
        ),
        "fractions": _set("Fraction gcd"), "numbers": _set("Number Real Integral Rational Complex"),
        "random": _set(
            "random randint randrange choice choices shuffle sample uniform gauss seed Random "
            "normalvariate expovariate betavariate triangular getrandbits SystemRandom lognormvariate "
            "paretovariate vonmisesvariate weibullvariate gammavariate binomialvariate"
        ),
        "secrets": _set("token_hex token_urlsafe token_bytes choice randbelow randbits compare_digest"),
        "datetime": _set("datetime date time timedelta timezone tzinfo UTC MINYEAR MAXYEAR") | _set(
            "datetime.now datetime.utcnow datetime.today datetime.strptime datetime.fromisoformat "
            "datetime.fromtimestamp datetime.utcfromtimestamp datetime.combine datetime.min "
            "datetime.max date.today date.fromisoformat date.min date.max date.fromordinal "
            "date.fromtimestamp timezone.utc time.fromisoformat timedelta.max datetime.strftime "
            "date.fromisocalendar datetime.fromordinal"
        ),
        "zoneinfo": _set("ZoneInfo"),
        "calendar": _set(
            "monthrange isleap leapdays month_name month_abbr day_name day_abbr weekday monthcalendar "
            "timegm Calendar month calendar TextCalendar setfirstweekday SUNDAY MONDAY"
        ),
        "time": _set(
            "time sleep perf_counter monotonic time_ns perf_counter_ns strftime gmtime localtime "
            "strptime mktime ctime process_time asctime monotonic_ns"
        ),
        "re": _set(
            "compile match search fullmatch findall finditer sub subn split escape IGNORECASE "
            "MULTILINE DOTALL VERBOSE UNICODE ASCII I M S X A U error Pattern Match"
        ),
        "json": _set("dumps loads dump load JSONDecodeError"),
        "functools": _set(
            "reduce partial lru_cache cache wraps cmp_to_key total_ordering cached_property"
        ),
        "operator": _set(
            "add sub mul truediv floordiv mod pow neg itemgetter eq ne lt le gt ge and_ or_ xor not_ "
            "contains concat countOf indexOf getitem"
        ),
        "collections": _set(
            "Counter defaultdict OrderedDict deque namedtuple ChainMap UserDict UserList abc"
        ) | _set("abc.Iterable abc.Mapping abc.Sequence abc.Callable abc.Iterator abc.Hashable"),
        "typing": _set(
            "Any List Dict Set Tuple Optional Union Callable Iterable Iterator Sequence Mapping "
            "NamedTuple TypedDict Generator TypeVar Generic Protocol Literal Final ClassVar FrozenSet "
            "Deque DefaultDict Counter Type NoReturn Self Annotated overload cast TYPE_CHECKING "
            "Hashable Collection MutableMapping AbstractSet Never Required NotRequired"
        ),
        "dataclasses": _set("dataclass field asdict astuple replace fields"),
        "enum": _set("Enum IntEnum StrEnum Flag IntFlag auto unique"),
        "abc": _set("ABC abstractmethod ABCMeta"), "types": _set("SimpleNamespace MappingProxyType"),
        "copy": _set("copy deepcopy"), "array": _set("array"), "struct": _set(
            "pack unpack calcsize pack_into unpack_from iter_unpack Struct"
        ),
        "textwrap": _set("dedent fill indent shorten wrap"), "unicodedata": _set(
            "name lookup category normalize numeric decimal digit combining east_asian_width"
        ),
        "difflib": _set(
            "SequenceMatcher get_close_matches unified_diff ndiff context_diff Differ HtmlDiff"
        ),
        "pprint": _set("pprint pformat"), "io": _set("StringIO BytesIO"),
        "csv": _set("reader writer DictReader DictWriter QUOTE_ALL QUOTE_MINIMAL QUOTE_NONNUMERIC"),
        "hashlib": _set(
            "md5 sha1 sha224 sha256 sha384 sha512 blake2b blake2s sha3_256 sha3_512 new pbkdf2_hmac "
            "sha3_224 sha3_384 algorithms_available algorithms_guaranteed"
        ),
        "hmac": _set("new compare_digest digest"),
        "base64": _set(
            "b64encode b64decode urlsafe_b64encode urlsafe_b64decode b32encode b32decode b16encode "
            "b16decode b85encode b85decode a85encode a85decode standard_b64encode standard_b64decode"
        ),
        "binascii": _set("hexlify unhexlify crc32 b2a_hex a2b_hex Error"),
        "zlib": _set("compress decompress crc32 adler32"),
        "uuid": _set("UUID uuid3 uuid4 uuid5 NAMESPACE_DNS NAMESPACE_URL"),
        "contextlib": _set("suppress contextmanager nullcontext redirect_stdout redirect_stderr"),
        "warnings": _set("filterwarnings simplefilter warn catch_warnings"),
        "sys": _set(
            "maxsize version version_info getsizeof float_info int_info setrecursionlimit "
            "getrecursionlimit exit byteorder set_int_max_str_digits maxunicode hexversion "
            "stdout.write stdout.flush stderr.write stdout stderr implementation platform"
        ),
        "urllib": _set(
            "parse.quote parse.unquote parse.urlencode parse.urlparse parse.urlsplit parse.urljoin "
            "parse.parse_qs parse.parse_qsl parse.quote_plus parse.unquote_plus parse.urlunparse parse"
        ),
        "html": _set("escape unescape"), "fnmatch": _set("fnmatch fnmatchcase filter translate"),
        "colorsys": _set("rgb_to_hsv hsv_to_rgb rgb_to_hls hls_to_rgb rgb_to_yiq yiq_to_rgb"),
        "graphlib": _set("TopologicalSorter CycleError"),
        "keyword": _set("iskeyword kwlist"),
        "ipaddress": _set(
            "ip_address ip_network ip_interface IPv4Address IPv6Address IPv4Network IPv6Network"
        ),
        "timeit": _set("default_timer"),
        "ast": _set("literal_eval"), "__future__": _set("*"),
        "os": _set(
            "path.join path.basename path.dirname path.splitext path.normpath path.split path.sep "
            "sep linesep extsep pathsep path name"
        ),
        "asyncio": _set("run gather sleep wait_for Queue Lock Semaphore create_task TaskGroup timeout"),
        "numpy": _set(
            "array arange linspace zeros ones full eye identity empty zeros_like ones_like full_like "
            "mean median std var sum prod min max argmin argmax sort argsort cumsum cumprod diff "
            "dot matmul cross outer inner kron transpose reshape concatenate stack vstack hstack "
            "column_stack split where select clip round floor ceil abs sqrt exp log log2 log10 sin "
            "cos tan arcsin arccos arctan arctan2 sinh cosh tanh power maximum minimum add subtract "
            "multiply divide mod unique isin in1d any all isnan isinf isfinite nan inf pi e "
            "percentile quantile histogram bincount corrcoef cov polyfit polyval poly1d roots interp "
            "meshgrid repeat tile flip roll rot90 int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
            "float16 float32 float64 bool_ complex64 complex128 dtype ndarray nan_to_num nanmean "
            "nansum nanstd nanmax nanmin set_printoptions allclose isclose array_equal trapz trapezoid "
            "gradient convolve linalg fft random asarray expand_dims squeeze ravel newaxis count_nonzero "
            "nonzero sign square cbrt expm1 log1p deg2rad rad2deg radians degrees gcd lcm triu tril "
            "diag trace einsum vectorize seterr ptp average searchsorted digitize amax amin append "
            "insert delete fromiter logspace geomspace busday_count datetime64 timedelta64 integer "
            "floating number atleast_1d atleast_2d lexsort partition union1d intersect1d setdiff1d"
        ) | frozenset(
            f"{part}.{name}"
            for part, names in (
                ("linalg", "inv det eig eigh eigvals norm solve svd qr cholesky lstsq pinv matrix_rank "
                 "matrix_power LinAlgError cond"),
                ("random", "rand randn randint random choice normal uniform seed shuffle permutation "
                 "default_rng poisson binomial exponential standard_normal random_sample beta gamma "
                 "lognormal multivariate_normal RandomState"),
                ("fft", "fft ifft fftfreq rfft irfft fft2 fftshift rfftfreq"),
            )
            for name in names.split()
        ),
        "pandas": _set(
            "DataFrame Series Index concat merge to_datetime to_numeric to_timedelta date_range "
            "Timestamp Timedelta cut qcut pivot_table get_dummies isna isnull notna notnull NA NaT "
            "Categorical crosstab melt period_range MultiIndex  unique factorize "
            "json_normalize bdate_range Period Interval offsets MultiIndex.from_tuples "
            "MultiIndex.from_product DataFrame.from_dict DataFrame.from_records Grouper"
        ),
        "scipy": _set("stats optimize linalg special integrate interpolate constants signal") | frozenset(
            f"{part}.{name}"
            for part, names in (
                ("stats", "norm t chi2 f ttest_ind ttest_rel ttest_1samp pearsonr spearmanr linregress "
                 "chi2_contingency mannwhitneyu shapiro f_oneway zscore mode skew kurtosis binom poisson "
                 "ks_2samp kendalltau wilcoxon uniform expon beta gamma entropy describe"),
                ("optimize", "minimize minimize_scalar curve_fit root fsolve brentq linprog least_squares "
                 "newton bisect root_scalar"),
                ("integrate", "quad dblquad odeint solve_ivp simpson trapezoid"),
                ("special", "gamma factorial comb perm erf beta gammaln binom"),
                ("linalg", "inv det eig solve svd norm expm lu qr"),
                ("interpolate", "interp1d CubicSpline UnivariateSpline"),
                ("constants", "c h k g G R N_A pi golden"), ("signal", "find_peaks butter filtfilt"),
            )
            for name in names.split()
        ),
        "matplotlib": _set("pyplot") | frozenset(
            "pyplot." + name for name in _set(
                "plot bar barh hist scatter pie boxplot title xlabel ylabel legend grid show "
                "figure subplots subplot tight_layout xlim ylim xticks yticks axhline axvline "
                "fill_between text annotate colorbar imshow close clf cla gca gcf style errorbar "
                "stem step suptitle stackplot violinplot contour contourf hlines vlines loglog "
                "semilogx semilogy rcParams"
            )
        ),
    }
)  # fmt: skip
THIRD_PARTY: Final = _set("numpy pandas scipy matplotlib")

PURE_MEMBERS: Final = _set(
    "append extend insert pop clear copy count index sort reverse remove add discard update union "
    "intersection difference symmetric_difference issubset issuperset isdisjoint get keys values "
    "items setdefault popitem fromkeys most_common elements subtract total popleft appendleft rotate "
    "join split rsplit splitlines strip lstrip rstrip lower upper title capitalize casefold swapcase "
    "replace startswith endswith find rfind rindex encode decode isdigit isalpha isalnum isspace "
    "isupper islower isnumeric isdecimal isidentifier istitle isascii isprintable zfill center ljust "
    "rjust partition rpartition translate maketrans expandtabs removeprefix removesuffix format "
    "bit_length bit_count to_bytes from_bytes hex fromhex real imag conjugate numerator denominator "
    "is_integer as_integer_ratio limit_denominator quantize normalize sqrt ln log10 exp "
    "to_integral_value is_nan is_infinite is_signed adjusted as_tuple copy_abs compare prec rounding "
    "year month day hour minute second microsecond tzinfo weekday isoweekday isocalendar isoformat "
    "strftime timestamp date time timetuple astimezone total_seconds days seconds microseconds "
    "utcoffset toordinal week now today strptime fromisoformat fromtimestamp combine min max "
    "group groups groupdict start end span match search fullmatch findall finditer sub subn pattern "
    "string lastgroup lastindex expand send throw close write writelines read readline readlines "
    "getvalue seek tell flush writerow writerows writeheader fieldnames line_num hexdigest digest "
    "digest_size block_size name value args message _replace _asdict _fields "
    "default default_factory setter getter deleter random randint choice shuffle sample seed gauss "
    "uniform choices randrange integers normal standard_normal ratio get_matching_blocks "
    "get_opcodes quick_ratio cache_clear cache_info substitute safe_substitute "
    "static_order prepare is_active get_ready done add_note with_traceback "
    # arrays and frames: nothing here opens a file, evaluates a text or reaches out
    "shape dtype ndim size T astype reshape flatten ravel transpose tolist item sum mean std var "
    "median mode argmin argmax argsort cumsum cumprod cummax cummin prod dot any all clip round abs "
    "fill repeat squeeze swapaxes diagonal trace nonzero ptp conj take head tail loc iloc at iat "
    "columns describe info groupby nunique unique value_counts sort_values sort_index reset_index "
    "set_index drop dropna fillna isna isnull notna notnull merge rename duplicated drop_duplicates "
    "rolling expanding ewm resample shift diff pct_change corr cov quantile rank nlargest nsmallest "
    "idxmax idxmin melt pivot pivot_table stack unstack explode isin between where mask iterrows "
    "itertuples to_dict to_list to_numpy to_frame dt cat empty dtypes select_dtypes "
    "crosstab cumcount ngroup first last nth size interpolate ffill bfill tz_localize "
    "tz_convert to_period to_timestamp dayofweek day_name month_name quarter "
    "dayofyear is_month_end is_month_start contains extract len slice pad zscore skew "
    "kurt sem mad add_prefix add_suffix droplevel swaplevel levels get_group ngroups "
    "combine_first compare reindex truncate set_title set_xlabel "
    "set_ylabel set_xlim set_ylim plot bar barh hist scatter legend grid axhline axvline annotate "
    "set_xticks set_yticks tick_params set_xticklabels text imshow twinx tight_layout suptitle "
    " pdf cdf ppf rvs pvalue statistic slope intercept rvalue stderr success fun x nit "
    " strides nbytes eq ne lt le gt ge mul div mod pow floordiv "
    "truediv multiply divide "
    "netloc hostname scheme query_string put get_nowait put_nowait qsize acquire release "
    "locked create_task result"
)
"""Members that are harmless on every object that pure names can make."""

KNOWN_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_set(
            "system popen Popen spawnl spawnv spawnve spawnlp execv execve execl execlp execvp fork "
            "forkpty check_output check_call getoutput getstatusoutput startfile posix_spawn kill "
            "create_subprocess_exec create_subprocess_shell"
        ), ("process",)),
        **dict.fromkeys(_set(
            "urlopen urlretrieve sendall sendto connect_ex create_connection open_connection "
            "getaddrinfo gethostbyname post request upload_file upload_fileobj download_file put_object "
            "urlsend getresponse recv makefile open_new open_new_tab"
        ), ("network",)),
        **dict.fromkeys(_set("connect"), ("network", "database")),
        **dict.fromkeys(_set(
            "write_text write_bytes to_csv to_excel to_parquet to_pickle to_feather to_hdf to_stata "
            "to_sql to_gbq to_xml to_clipboard to_orc save savez savez_compressed savetxt savefig tofile "
            "touch mkdir makedirs rename symlink_to hardlink_to chmod chown extractall "
            "dump_all imsave to_html to_latex to_markdown to_json to_string symlink"
        ), ("files_write",)),
        **dict.fromkeys(_set(
            "read_text read_bytes iterdir glob rglob read_csv read_excel read_json read_parquet "
            "read_pickle read_sql read_html read_xml read_table read_feather read_hdf loadtxt "
            "genfromtxt fromfile memmap listdir scandir walk expanduser home cwd stat lstat imread "
            "read_clipboard read_fwf read_stata read_sas read_sql_query read_sql_table exists is_file "
            "is_dir"
        ), ("files_read",)),
        **dict.fromkeys(_set("unlink rmdir rmtree removedirs"), ("files_delete",)),
        **dict.fromkeys(_set("environ getenv putenv getenvb environb unsetenv"), ("env",)),
        **dict.fromkeys(_set(
            "execute executemany executescript cursor commit fetchall insert_one insert_many "
            "delete_one delete_many update_one update_many drop_collection find_one"
        ), ("database",)),
        **dict.fromkeys(_set("sendmail send_message starttls"), ("mail", "network")),
        **dict.fromkeys(_set(
            "eval query exec_module load_module import_module f_globals f_locals f_back f_builtins "
            "gi_frame cr_frame ag_frame tb_frame tb_next func_globals func_code gi_code modules "
            "settrace setprofile _getframe addaudithook meta_path path_hooks loads_pickle "
            "run_line_magic run_cell_magic run_cell attrgetter methodcaller get_type_hints "
            "make_dataclass mro CDLL cdll windll string_at"
        ), ("dynamic",)),
        "to_clipboard": ("clipboard",), "read_clipboard": ("clipboard",),
    }
)  # fmt: skip
"""Members that are dangerous on whatever object they are."""

KNOWN_MODULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(_set(
            "subprocess pty multiprocessing pexpect sh plumbum fabric invoke signal psutil commands "
            "popen2 concurrent sched crontab docker kubernetes nbconvert distutils setuptools pip venv "
            "ensurepip"
        ), ("process",)),
        **dict.fromkeys(_set(
            "socket ssl http requests httpx aiohttp urllib3 ftplib telnetlib paramiko websocket "
            "websockets xmlrpc socketserver wsgiref dns boto3 botocore googleapiclient google azure "
            "openai anthropic slack_sdk slack stripe twilio github playwright selenium webbrowser "
            "antigravity socks nntplib scapy grpc flask fastapi uvicorn tornado bottle django "
            "huggingface_hub transformers datasets yfinance pandas_datareader wikipedia tweepy praw "
            "telegram discord mechanize scrapy httplib httplib2 urllib2 pycurl treq asyncssh pysftp "
            "netmiko zmq pika kafka paho gradio streamlit litellm langchain"
        ), ("network",)),
        **dict.fromkeys(_set(
            "smtplib imaplib poplib yagmail exchangelib smtpd mailbox"
        ), ("mail", "network")),
        **dict.fromkeys(_set(
            "sqlite3 psycopg psycopg2 pymysql MySQLdb sqlalchemy pymongo redis duckdb cx_Oracle oracledb "
            "pyodbc asyncpg aiosqlite peewee mysql motor cassandra neo4j dbm clickhouse_driver snowflake"
        ), ("database",)),
        **dict.fromkeys(_set(
            "shutil pathlib glob tempfile fileinput zipfile tarfile gzip bz2 lzma linecache filecmp mmap "
            "openpyxl xlrd docx PyPDF2 pypdf PIL cv2 h5py pyarrow polars configparser mimetypes netrc "
            "nbformat imageio soundfile fitz pdfplumber reportlab logging"
        ), ("files_read", "files_write")),
        **dict.fromkeys(_set(
            "pickle marshal shelve dill cloudpickle joblib importlib imp runpy code codeop pkgutil "
            "zipimport builtins __builtin__ gc inspect ctypes cffi dis atexit codecs site sysconfig "
            "symtable bdb pdb trace doctest unittest cProfile profile sympy numexpr asteval RestrictedPython "
            "weakref threading _thread ast opcode traceback IPython yaml jsonpickle copyreg "
            "__main__ jinja2 mako"
        ), ("dynamic",)),
        **dict.fromkeys(_set("getpass keyring secretstorage"), ("secrets",)),
        **dict.fromkeys(_set("pyperclip clipboard xerox"), ("clipboard",)),
        **dict.fromkeys(_set("pyautogui pynput keyboard mouse tkinter"), ("input", "process")),
        **dict.fromkeys(_set(
            "dotenv environs decouple platform pwd grp resource posix nt"
        ), ("env", "process")),
    }
)  # fmt: skip
