using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MLflow.Server.Tests.Golden;

/// <summary>
/// The shapes of answers, checked strictly: nothing is missing, nothing is there besides, integers are numbers, what is empty is left out.
/// A key with <c>?</c> may be absent; <c>*</c> stands for any key; a list is not empty unless 0 follows its item; <c>A|B</c> names the values of an enum.
/// </summary>
internal static partial class WireShape
{
    private static readonly Dictionary<string, JsonElement> Shapes = JsonDocument.Parse("""
        {
          "nothing": {},
          "error": {"error_code": "text", "message": "text"},
          "pair": {"key": "text", "value": "text"},
          "experiment": {"experiment_id": "id", "name": "text", "artifact_location": "text", "lifecycle_stage": "active|deleted", "last_update_time": "int", "creation_time": "int", "tags?": ["pair"]},
          "experiment answer": {"experiment": "experiment"},
          "experiments": {"experiments?": ["experiment"], "next_page_token?": "text"},
          "experiment id": {"experiment_id": "id"},
          "location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "id"}},
          "info": {"trace_id": "text", "client_request_id?": "text", "trace_location": "location", "request_preview?": "text", "response_preview?": "text", "request_time": "time",
            "execution_duration?": "duration", "state": "STATE_UNSPECIFIED|OK|ERROR|IN_PROGRESS", "trace_metadata?": {"*": "text"}, "assessments?": ["assessment"], "tags": {"*": "text"}},
          "info answer": {"trace": {"trace_info": "info"}},
          "infos": {"trace_infos?": ["info"]},
          "found": {"traces?": ["info"], "next_page_token?": "text"},
          "trace": {"trace_info": "info", "spans?": ["span"]},
          "trace answer": {"trace": "trace"},
          "traces": {"traces?": ["trace"]},
          "old info": {"request_id": "text", "experiment_id": "id", "timestamp_ms": "int", "execution_time_ms": "int", "status": "TRACE_STATUS_UNSPECIFIED|OK|ERROR|IN_PROGRESS",
            "request_metadata?": ["pair"], "tags": ["pair"]},
          "old info answer": {"trace_info": "old info"},
          "old found": {"traces?": ["old info"], "next_page_token?": "text"},
          "span": {"trace_id": "base64", "span_id": "base64", "parent_span_id?": "base64", "name": "text", "start_time_unix_nano": "int", "end_time_unix_nano?": "int",
            "attributes": ["attribute"], "events?": [{"time_unix_nano": "int", "name": "text", "attributes?": ["attribute"]}],
            "status": {"code?": "STATUS_CODE_OK|STATUS_CODE_ERROR", "message?": "text"}},
          "attribute": {"key": "text", "value?": "value"},
          "value": {"string_value?": "text", "bool_value?": "bool", "int_value?": "int", "double_value?": "number", "array_value?": {"values?": ["value"]}, "kvlist_value?": {"values?": ["attribute"]}},
          "trace data": {"spans": [{"trace_id": "base64", "span_id": "base64", "parent_span_id": "text or null", "name": "text", "start_time_unix_nano": "int", "end_time_unix_nano": "int or null",
            "events": [{"name": "text", "time_unix_nano": "int", "attributes": {"*": "json"}}, 0], "status": {"code": "STATUS_CODE_UNSET|STATUS_CODE_OK|STATUS_CODE_ERROR", "message": "text"},
            "attributes": {"*": "json"}}]},
          "assessment": {"assessment_id": "text", "assessment_name": "text", "trace_id": "text", "span_id?": "text",
            "source": {"source_type": "SOURCE_TYPE_UNSPECIFIED|HUMAN|LLM_JUDGE|CODE", "source_id?": "text"}, "create_time": "time", "last_update_time": "time",
            "feedback?": {"value": "json", "error?": {"error_code?": "text", "error_message?": "text", "stack_trace?": "text"}},
            "expectation?": {"value?": "json", "serialized_value?": {"serialization_format": "JSON_FORMAT", "value": "text"}}, "issue?": {"*": "json"},
            "rationale?": "text", "metadata?": {"*": "text"}, "overrides?": "text", "valid": "bool"},
          "assessment answer": {"assessment": "assessment"},
          "deleted": {"traces_deleted": "int"},
          "retention": {"experiment_id": "id", "days": "text", "action": "delete|archive", "source": "experiment|server"},
          "retention run": {"dry_run": "bool", "experiments?": ["json", 0]},
          "deleted of owner": {"dry_run": "bool", "traces_deleted": "int", "experiments?": ["json", 0]},
          "points": {"data_points?": [{"metric_name": "text", "dimensions?": {"*": "text"}, "values": {"*": "number"}}], "next_page_token?": "text"},
          "correlation": {"npmi?": "number", "npmi_smoothed?": "number", "filter1_count": "int", "filter2_count": "int", "joint_count": "int", "total_count": "int"},
          "run info": {"run_uuid": "text", "experiment_id": "id", "run_name": "text", "user_id": "text", "status": "RUNNING|SCHEDULED|FINISHED|FAILED|KILLED", "start_time?": "int", "end_time?": "int",
            "artifact_uri": "text", "lifecycle_stage": "active|deleted", "run_id": "text"},
          "run": {"info": "run info", "data": {"metrics?": [{"key": "text", "value": "json", "timestamp": "int", "step": "int"}], "params?": ["pair"], "tags?": ["pair"]}, "inputs": {}},
          "run answer": {"run": "run"},
          "run info answer": {"run_info": "run info"},
          "runs": {"runs?": ["run"], "next_page_token?": "text"},
          "files": {"files?": [{"path": "text", "is_dir": "bool", "file_size?": "int"}]},
          "upload": {"upload_id": "text", "credentials": [{"url": "text", "part_number": "int"}]},
          "secret": {"secret_id": "text", "secret_name": "text", "masked_values": {"*": "text"}, "created_at": "int", "last_updated_at": "int", "provider": "text", "created_by?": "text", "last_updated_by?": "text",
            "auth_config?": {"*": "text"}},
          "secret answer": {"secret": "secret"},
          "model": {"model_definition_id": "text", "name": "text", "secret_id?": "text", "secret_name?": "text", "provider": "text", "model_name": "text", "created_at": "int", "last_updated_at": "int",
            "created_by?": "text", "last_updated_by?": "text"},
          "model answer": {"model_definition": "model"},
          "mapping": {"mapping_id": "text", "endpoint_id": "text", "model_definition_id": "text", "model_definition": "model", "weight": "number", "linkage_type": "PRIMARY|FALLBACK", "fallback_order": "int",
            "created_at": "int", "created_by?": "text"},
          "mapping answer": {"mapping": "mapping"},
          "endpoint": {"endpoint_id": "text", "name": "text", "aliases?": ["text"], "model_mappings": ["mapping"], "tags?": ["pair"], "routing_strategy": "REQUEST_BASED_TRAFFIC_SPLIT",
            "fallback_config": {"strategy": "SEQUENTIAL", "max_attempts?": "int"}, "retries": "int", "experiment_id": "id", "usage_tracking": "bool", "record_content": "bool",
            "rate_limits?": [{"calls": "int", "key": "text", "renewal_period": "text"}], "created_at": "int", "last_updated_at": "int", "created_by?": "text", "last_updated_by?": "text"},
          "endpoint answer": {"endpoint": "endpoint"},
          "binding answer": {"binding": {"endpoint_id": "text", "resource_type": "scorer", "resource_id": "text", "created_at": "int", "last_updated_at": "int", "created_by?": "text", "last_updated_by?": "text"}},
          "budget answer": {"budget_policy": {"budget_policy_id": "text", "budget_unit": "USD", "budget_amount": "number", "duration": {"unit": "text", "value": "int"}, "target_scope": "text", "target_value?": "text",
            "budget_action": "ALERT|REJECT", "created_at": "int", "last_updated_at": "int", "created_by?": "text", "last_updated_by?": "text"}},
          "server info": {"store_type": "SqlStore", "workspaces_enabled": "bool", "takes_trace_facts": "bool", "keeps_assessment_ids": "bool", "records_calls_of": "text"}
        }
        """).RootElement.EnumerateObject().ToDictionary(shape => shape.Name, shape => shape.Value);

    /// <summary>What is wrong with the value; nothing where it has the shape.</summary>
    public static IEnumerable<string> Check(JsonElement value, string shape) => Check(value, Shapes[shape], shape);

    private static IEnumerable<string> Check(JsonElement value, JsonElement shape, string path) => shape.ValueKind switch
    {
        JsonValueKind.Object => CheckObject(value, shape, path),
        JsonValueKind.Array => CheckList(value, shape, path),
        _ => CheckNamed(value, shape.GetString()!, path),
    };

    private static IEnumerable<string> CheckObject(JsonElement value, JsonElement shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return [$"{path} is {value.ValueKind}, not an object"];
        }

        if (shape.TryGetProperty("*", out var any))
        {
            return value.EnumerateObject().SelectMany(property => Check(property.Value, any, $"{path}.{property.Name}"));
        }

        var properties = shape.EnumerateObject().ToDictionary(property => property.Name.TrimEnd('?'));
        return properties.Where(property => !property.Value.Name.EndsWith('?') && !value.TryGetProperty(property.Key, out _)).Select(property => $"{path}.{property.Key} is missing")
            .Concat(value.EnumerateObject().SelectMany(property => properties.TryGetValue(property.Name, out var known)
                ? Check(property.Value, known.Value, $"{path}.{property.Name}")
                : [$"{path}.{property.Name} should not be there"]));
    }

    private static IEnumerable<string> CheckList(JsonElement value, JsonElement shape, string path) =>
        value.ValueKind != JsonValueKind.Array ? [$"{path} is {value.ValueKind}, not a list"]
        : value.GetArrayLength() == 0 && shape.GetArrayLength() == 1 ? [$"{path} is empty, and should be left out"]
        : value.EnumerateArray().SelectMany((item, i) => Check(item, shape[0], $"{path}[{i}]"));

    private static IEnumerable<string> CheckNamed(JsonElement value, string type, string path)
    {
        if (Shapes.TryGetValue(type, out var shape))
        {
            return Check(value, shape, path);
        }

        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : null;
        var fits = type switch
        {
            "json" => value.ValueKind != JsonValueKind.Undefined,
            "text" => text is not null,
            "text or null" => text is not null || value.ValueKind == JsonValueKind.Null,
            "int" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "int or null" => value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _)),
            "number" => value.ValueKind == JsonValueKind.Number,
            "bool" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "id" => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _),
            "time" => text is not null && Time().IsMatch(text),
            "duration" => text is not null && Duration().IsMatch(text),
            "base64" => text is { Length: > 0 } && value.TryGetBytesFromBase64(out _),
            _ => text is not null && type.Split('|').Contains(text),
        };
        return fits ? [] : [$"{path} is {value}, not {type}"];
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")]
    private static partial Regex Time();

    [GeneratedRegex(@"^\d+(\.\d{3})?s$")]
    private static partial Regex Duration();
}
