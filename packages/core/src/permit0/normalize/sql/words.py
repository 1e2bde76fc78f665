"""Words of SQL that say what a text may do. Data only; matched against folded words.

Sources: the manuals of the servers named in dialects. A word that is missing makes a text stricter, not
calmer: a function that is not in PURE asks, a statement whose first word is not known asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = [
    "DESTRUCTIVE",
    "EFFECTS",
    "GATHERING",
    "OPERAND_FOLLOWS",
    "POWER",
    "PSEUDO_COLUMNS",
    "PURE",
    "READING_PRAGMAS",
    "STATEMENT_WORDS",
    "word_set",
]


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


DESTRUCTIVE: Final = word_set(
    "drop truncate delete purge flush flushall flushdb dropdatabase deletemany detach remove"
    " vacuum optimize shutdown kill overwrite undrop $out $merge $unset"
)
POWER: Final = word_set(
    "grant revoke deny superuser sysadmin bypassrls createrole createdb definer identified"
    " authorization securityadmin sp_addsrvrolemember sp_addrolemember sp_addlogin"
    " sp_configure reassign impersonate accountadmin db_owner"
)

STATEMENT_WORDS: Final = word_set(
    "insert update delete drop truncate alter create merge grant revoke deny exec execute call"
    " shutdown reconfigure checkpoint backup restore kill dbcc use declare waitfor begin commit"
    " rollback save revert raiserror throw print writetext updatetext readtext bulk set"
    " deallocate open close fetch disable enable receive send move add if while goto return"
    " replace rename attach detach pragma vacuum reindex copy load unload lock unlock handler"
    " prepare do listen notify reset discard cluster refresh import export install reassign"
    " select with truncate_table setuser go"
)
"""First words of statements that some server starts without a separator in front."""

OPERAND_FOLLOWS: Final = word_set(
    "select distinct all where and or not on by having case when then else in like between is as"
    " from join inner left right full outer cross union intersect except values any some exists over"
    " top escape of within group order"
)
"""Words behind which a name is an operand or a clause goes on; no statement can start there.

Only such as T-SQL reserves, since it alone starts statements without a separator: `select 1 limit
shutdown` is a name and a second statement to it.
"""

GATHERING: Final = word_set(
    "string_agg group_concat listagg array_agg json_agg jsonb_agg json_object_agg"
    " jsonb_object_agg json_arrayagg json_objectagg json_group_array json_group_object xmlagg"
    " collect_list collect_set grouparray groupuniqarray list array_concat_agg object_agg"
    " arrayagg groupconcat wm_concat any_value table_to_xml query_to_xml"
)
"""Aggregates that put the values of many rows into one."""

PSEUDO_COLUMNS: Final = word_set(
    "sysdate systimestamp current_date current_timestamp user uid rownum level dummy localtimestamp"
    " sessiontimezone dbtimezone current_user"
)
"""What may be selected from Oracle's dual; any other word there can be a function of its own."""

READING_PRAGMAS: Final = word_set(
    "table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list"
    " database_list collation_list compile_options function_list module_list pragma_list"
    " user_version schema_version application_id encoding page_count page_size freelist_count"
    " journal_mode foreign_keys integrity_check quick_check foreign_key_check"
)
"""SQLite's pragmas that only show, as long as nothing is assigned."""

_FILE = word_set(
    "pg_read_file pg_read_binary_file pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir pg_stat_file"
    " pg_file_write pg_file_read pg_file_rename pg_file_unlink pg_file_sync pg_logdir_ls"
    " pg_current_logfile lo_import lo_export lo_from_bytea lo_put lo_get loread lowrite lo_unlink"
    " lo_create pg_largeobject load_file infile outfile dumpfile utl_file bfilename"
    " dbms_lob dbms_advisor readfile writefile fsdir zipfile sqlar_uncompress load_extension"
    " read_csv read_csv_auto read_parquet parquet_scan parquet_metadata parquet_schema"
    " parquet_file_metadata parquet_kv_metadata read_json read_json_auto read_ndjson"
    " read_ndjson_auto read_json_objects read_ndjson_objects read_text read_blob read_xlsx"
    " st_read st_read_meta glob_files csv_scan sniff_csv file hdfs sqlite_scan sqlite_attach"
    " iceberg_scan iceberg_metadata delta_scan arrow_scan read_files input executable"
    " sys_eval xml_load pg_read_server_files pg_write_server_files adminpack file_fdw"
    " xp_dirtree xp_subdirs xp_fileexist xp_fixeddrives sys.dm_os_file_exists"
)
_NETWORK = word_set(
    "dblink dblink_connect dblink_connect_u dblink_exec dblink_open dblink_fetch dblink_send_query"
    " dblink_get_result postgres_fdw mysql_fdw oracle_fdw http http_get http_post http_put"
    " http_delete http_patch http_head http_collect_response net.http_get openrowset"
    " opendatasource openquery openxml utl_http utl_tcp utl_smtp utl_mail utl_inaddr utl_url"
    " httpuritype xdburitype dburitype dbms_ldap apex_web_service url urlcluster s3 s3cluster gcs"
    " azureblobstorage remote remotesecure cluster clusterallreplicas mysql postgresql mongodb"
    " redis odbc jdbc external_query external_oauth mysql_scan mysql_attach mysql_query"
    " postgres_scan postgres_scan_pushdown postgres_attach postgres_query postgres_execute"
    " mysql_execute system$send_email system$external_function load_aws_credentials"
    " remote_query ai_query http_request ml.predict ai.generate ml.generate_text"
    " sp_send_dbmail azure_storage aws_lambda aws_s3 aws_commons invoke_lambda"
    " apoc_load mysql.lambda_sync mysql.lambda_async lambda_sync lambda_async"
)
_PROGRAM = word_set(
    "xp_cmdshell sp_oacreate sp_oamethod sp_execute_external_script sys_exec sys_eval"
    " dbms_scheduler dbms_job dbms_java dbms_java_test dbms_xslprocessor sp_start_job sp_add_job"
    " sp_add_jobstep sp_update_jobstep xp_regwrite xp_regdeletekey xp_regread"
    " xp_instance_regwrite xp_servicecontrol do_system plpythonu plpython3u plperlu"
)
_SERVER = word_set(
    "pg_reload_conf pg_rotate_logfile pg_terminate_backend pg_cancel_backend pg_promote"
    " pg_switch_wal pg_create_restore_point pg_backup_start pg_backup_stop pg_start_backup"
    " pg_stop_backup pg_drop_replication_slot pg_create_physical_replication_slot"
    " pg_create_logical_replication_slot pg_replication_slot_advance pg_wal_replay_pause"
    " pg_logical_slot_get_changes pg_stat_reset pg_stat_reset_shared pg_stat_statements_reset"
    " pg_import_system_collations pg_extension_config_dump set_config sp_configure"
    " writable_schema shutdown master_get_table_ddl sp_addlinkedserver sp_addextendedproc"
    " system$abort_session system$cancel_all_queries dbms_system dbms_sql fts3_tokenizer"
    " current_setting_set kill_query kill_session create_distributed_table add_job cron.schedule"
    " cron.unschedule cron.alter_job run_job alter_job delete_job drop_chunks"
)
_EFFECT = word_set(
    "nextval setval pg_sleep pg_sleep_for pg_sleep_until sleep benchmark get_lock release_lock"
    " release_all_locks pg_advisory_lock pg_advisory_xact_lock pg_try_advisory_lock"
    " pg_advisory_unlock pg_advisory_unlock_all pg_notify pg_logical_emit_message dbms_pipe"
    " dbms_lock dbms_session last_insert_id_set setseed waitfor newsequentialid"
    " query_to_xml table_to_xml cursor_to_xml query_to_xml_and_xmlschema database_to_xml"
    " schema_to_xml ts_stat ts_rewrite pg_export_snapshot txid_current pg_current_xact_id"
    " brin_summarize_new_values gin_clean_pending_list master_pos_wait wait_for_executed_gtid_set"
    " crosstab connectby xpath_table eval executeimmediate system$wait generateuuid_set"
    " sys_execute sp_executesql sp_prepare sp_prepexec sp_execute dbms_xmlgen dbms_xmlquery"
    " $function $where $accumulator $wherescope dbms_export_extension dbms_cube_exp name_const"
)

EFFECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(_EFFECT, "effect"),
        **dict.fromkeys(_SERVER, "server"),
        **dict.fromkeys(_NETWORK, "network"),
        **dict.fromkeys(_FILE, "file"),
        **dict.fromkeys(_PROGRAM, "program"),
    }
)
"""Name of a function, procedure, package or extension -> the mark of what it can do."""

PURE: Final = word_set(
    # aggregates and windows
    "count sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp median mode"
    " percentile_cont percentile_disc approx_count_distinct approx_distinct countif count_if"
    " sumif avgif uniq uniqexact quantile quantiles bool_and bool_or every bit_and bit_or"
    " corr covar_pop covar_samp regr_slope regr_intercept regr_r2 any_value first last"
    " first_value last_value nth_value lag lead rank dense_rank row_number ntile percent_rank"
    " cume_dist grouping grouping_id string_agg group_concat listagg array_agg json_agg"
    " jsonb_agg json_object_agg jsonb_object_agg json_arrayagg json_objectagg xmlagg"
    " json_group_array json_group_object arg_max arg_min argmax argmin max_by min_by total"
    " logical_and logical_or approx_quantiles approx_quantile approx_top_count histogram"
    " approx_percentile approx_top_k kurtosis skewness boolxor_agg bitwise_and_agg bitwise_or_agg"
    " bitwise_xor_agg array_concat_agg array_union_agg array_unique_agg object_agg hll"
    " regr_avgx regr_avgy regr_count j_s_o_n_array_agg j_s_o_n_object_agg j_s_o_n_b_object_agg"
    # text
    " lower upper lcase ucase initcap length char_length character_length octet_length bit_length"
    " len datalength concat concat_ws substr substring substring_index left right trim ltrim"
    " rtrim btrim lpad rpad repeat replicate reverse replace translate position strpos locate"
    " instr charindex patindex find_in_set field elt ascii chr char nchar unicode space stuff"
    " split_part split string_split string_to_array array_to_string string_to_table"
    " regexp_replace regexp_match regexp_matches regexp_like regexp_substr regexp_instr"
    " regexp_extract regexp_contains regexp_count regexp_split_to_array"
    " regexp_split_to_table regexp_ilike like ilike similar_to starts_with ends_with startswith"
    " endswith contains format to_char to_number to_date to_timestamp quote_ident"
    " quote_literal md5 sha1 sha2 sha224 sha256 sha384 sha512 crc32 hash hex unhex to_hex"
    " encode decode to_base64 from_base64 base64_encode base64_decode str soundex difference"
    " levenshtein similarity word_similarity unaccent overlay normalize str_to_date strcmp"
    " rtrimmed_length printf quote like_escape to_json_string string_agg_distinct"
    " byte_length is_ascii regexp_extract_all regexp_full_match regexp_split strtok pad lower_hex"
    " str_position number_to_str string from_base md5_digest jarowinkler_similarity"
    " parse_url parse_ip reg_domain split_to_table strtok_to_array code_points_to_string"
    # numbers
    " abs ceil ceiling floor round trunc truncate mod power pow sqrt cbrt exp ln log log2 log10 sign"
    " pi radians degrees sin cos tan asin acos atan atan2 cot greatest least random rand"
    " width_bucket div gcd lcm factorial isnan isinf safe_divide div0 bitand bitor bitxor"
    " try_to_number try_cast safe_cast cast convert try_convert tryconvert"
    " acosh asinh atanh cosh coth csc csch sec sech sinh tanh rint nanvl randn uniform normal"
    " bitwise_count getbit range_bucket float64 int64 to_double to_boolean to_binary booland boolor"
    " boolnot equal_null safe_add safe_multiply safe_negate safe_subtract parse_numeric"
    # dates
    " now current_timestamp current_date current_time localtime localtimestamp getdate getutcdate"
    " sysdate sysdatetime sysutcdatetime systimestamp utc_timestamp utc_date utc_time curdate"
    " curtime clock_timestamp statement_timestamp transaction_timestamp timeofday date time"
    " datetime timestamp timestamptz julianday strftime unixepoch age date_part datepart"
    " datename date_trunc datetrunc datetime_trunc timestamp_trunc time_trunc timestamptrunc"
    " datetimetrunc extract year quarter month week weekofyear weekday dayofweek dayofmonth"
    " dayofyear day hour minute second microsecond yearweek dayname monthname last_day eomonth"
    " date_add date_sub dateadd datediff date_diff timediff timestampdiff timestampadd adddate"
    " subdate addtime subtime months_between add_months next_day make_date make_time"
    " make_timestamp make_interval justify_days justify_hours justify_interval to_days from_days"
    " from_unixtime unix_timestamp datefromparts date_format time_format date_bin"
    " parse_date parse_timestamp parse_datetime format_date format_timestamp format_datetime"
    " timestamp_diff timestamp_add timestamp_sub datetime_diff datetime_add datetime_sub"
    " timestamp_seconds timestamp_millis unix_seconds unix_millis isdate todate todatetime"
    " tostartofday tostartofmonth tostartofweek tostartofhour toyyyymm toyyyymmdd todayofweek"
    " toyear tomonth today yesterday convert_timezone at_time_zone str_to_time str_to_time"
    " from_iso8601_timestamp to_unixtime getutctime ts_or_ds_to_date ts_or_ds_add"
    " ts_or_ds_diff time_str_to_time time_to_str unix_to_time str_to_unix date_str_to_date"
    " ts_or_ds_to_datetime ts_or_ds_to_timestamp current_datetime day_of_week day_of_month"
    " day_of_year week_of_year timestampsub timestamp_from_parts date_from_parts"
    " time_add time_sub time_diff time_slice time_from_parts parse_time previous_day week_start"
    " year_of_week dayofweek_iso unix_date unix_micros unix_to_str time_to_unix time_str_to_date"
    " ts_or_ds_to_date_str ts_or_ds_to_time date_to_date_str timestamp_tz_from_parts"
    " timestamp_ltz_from_parts current_timestamp_l_t_z current_timezone date_from_unix_date"
    " from_iso8601_date gap_fill"
    # choices and types
    " coalesce nullif ifnull isnull nvl nvl2 iif if decode_case case zeroifnull nullifzero"
    " typeof pg_typeof try_parse json_typeof jsonb_typeof row exists any all some xor"
    " bool tostring toint32 toint64 touint64 tofloat64 todecimal64 multiif assumenotnull"
    " map struct row_to_json to_json to_jsonb to_variant"
    # documents and lists
    " json_extract json_extract_scalar json_extract_path json_extract_path_text json_value"
    " json_query json_unquote json_quote json_object json_array json_valid json_type json_length"
    " json_depth json_keys json_contains json_contains_path json_search json_each json_tree"
    " json_array_length jsonb_array_length json_array_elements jsonb_array_elements"
    " json_array_elements_text jsonb_array_elements_text json_object_keys jsonb_object_keys"
    " jsonb_each jsonb_each_text json_each_text jsonb_extract_path jsonb_extract_path_text"
    " json_build_object jsonb_build_object json_build_array jsonb_build_array jsonb_path_query"
    " jsonb_path_exists jsonb_set jsonb_pretty json_strip_nulls jsonb_strip_nulls json_set"
    " json_insert json_remove json_table get_json_object parse_json object_construct"
    " jsonextract jsonextractstring jsonb_extract jsonb_extract_scalar jsonb_contains"
    " array_length cardinality array_position array_contains array_append array_cat array_remove"
    " array_size array_sum array_to_string array array_any array_all array_concat unnest"
    " generate_series generate_subscripts generate_date_array generate_timestamp_array"
    " generate_array explode posexplode flatten sequence array_distinct array_sort arrayjoin"
    " has arrayelement element_at map_keys map_values list_value list_contains struct_pack"
    " get get_path object_keys listagg range json_bextract jsonb_exists"
    " array_compact array_except array_first array_insert array_intersect array_last array_max"
    " array_min array_prepend array_remove_at array_reverse array_slice arrays_zip to_array list"
    " explode_outer posexplode_outer exploding_generate_series inline map_size map_contains_key"
    " map_from_entries to_map var_map json_array_append json_array_contains json_array_insert"
    " json_extract_array json_format j_s_o_n_array j_s_o_n_object j_s_o_n_exists j_s_o_n_table"
    " j_s_o_n_bool j_s_o_n_value_array j_s_o_n_b_path_exists j_s_o_n_b_contains_top_key"
    " from_json check_json object_insert struct_extract xmlelement xmlget reduce"
    # search and geometry
    " to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank"
    " ts_rank_cd ts_headline setweight numnode match_against matchagainst"
    " st_distance st_dwithin st_within st_contains st_intersects st_x st_y st_point"
    " st_makepoint st_setsrid st_astext st_asgeojson st_geogpoint st_geomfromtext st_area"
    " st_length st_transform cosine_distance l2_distance inner_product"
    # about the database
    " version current_version current_warehouse current_account current_region"
    " database schema current_user session_user user system_user current_schema"
    " current_schemas current_database current_catalog current_role db_name object_name"
    " object_id schema_name col_name type_name last_insert_id row_count found_rows"
    " connection_id scope_identity changes total_changes last_insert_rowid sqlite_version"
    " pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size"
    " pg_size_pretty pg_get_viewdef pg_get_indexdef pg_get_constraintdef pg_get_functiondef"
    " pg_get_expr pg_get_userbyid pg_table_is_visible pg_backend_pid pg_is_in_recovery"
    " pg_column_size pg_encoding_to_char format_type obj_description col_description"
    " shobj_description has_table_privilege has_schema_privilege has_database_privilege"
    " has_column_privilege to_regclass to_regtype pg_postmaster_start_time server_version"
    " inet_server_addr current_setting pg_stat_get_numscans uuid uuid_generate_v4"
    " gen_random_uuid newid newuuid generate_uuid generateuuidv4 random_uuid sys_guid"
    " pragma_table_info pragma_table_xinfo pragma_table_list pragma_index_list pragma_index_info"
    " pragma_foreign_key_list pragma_database_list"
    " uuid_string checksum host network masklen family inet_aton inet_ntoa"
)
"""Functions that only compute. A name that is also a procedure's somewhere is not here."""
