using System.Globalization;
using System.Text.Json;

namespace MLflow.Server.Rest;

/// <summary>
/// The parameters of a call, read as leniently as MLflow does: an empty body is <c>{}</c>, a JSON string that holds JSON is read again,
/// names may be in snake_case or camelCase, integers may be numbers or strings, unknown fields are passed over. For GET, the query string stands for the body.
/// </summary>
internal readonly struct RequestJson
{
    private readonly JsonElement _body;
    private readonly IQueryCollection? _query;

    private RequestJson(JsonElement body, IQueryCollection? query)
    {
        _body = body;
        _query = query;
    }

    public static RequestJson FromQuery(HttpRequest request) => new(default, request.Query);

    public static RequestJson From(JsonElement element) => new(element, null);

    /// <summary>A body that came inside of something else.</summary>
    /// <exception cref="MlflowException">BAD_REQUEST: it is not JSON, or too long.</exception>
    public static RequestJson Parse(string json, MlflowServerLimits limits)
    {
        var body = System.Text.Encoding.UTF8.GetBytes(json);
        return body.Length <= limits.MaxJsonBytes ? new(Parse(body), null) : throw RequestBody.TooLong(limits.MaxJsonBytes, RequestBody.JsonBody);
    }

    public static async Task<RequestJson> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (HttpMethods.IsPost(request.Method) || HttpMethods.IsPut(request.Method))
        {
            RequireJson(request);
        }

        var limits = request.HttpContext.RequestServices.GetRequiredService<MlflowServerLimits>();
        return new RequestJson(Parse(await RequestBody.ReadAsync(request, limits.MaxJsonBytes, RequestBody.JsonBody, cancellationToken).ConfigureAwait(false)), null);
    }

    /// <summary>A string; numbers and booleans as their text. Null when absent or null.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an object or a list.</exception>
    public string? String(string name)
    {
        if (_query is not null)
        {
            return Values(name) is { Count: > 0 } values ? values[0] : null;
        }

        return Property(name) is { } value ? Text(name, value, "a string") : null;
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: absent or empty.</exception>
    public string Required(string name) => String(name) is { Length: > 0 } value ? value : throw Missing(name);

    public long? Int64(string name)
    {
        if (String(name) is not { Length: > 0 } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && real % 1 == 0 && Math.Abs(real) < 1L << 53
            ? (long)real
            : throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid value {text} for parameter '{name}' supplied: it must be an integer. See the API docs for more information about request parameters.");
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not a number.</exception>
    public double? Double(string name) =>
        String(name) is not { Length: > 0 } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
        : throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE,
            $"Invalid value {text} for parameter '{name}' supplied: it must be a number. See the API docs for more information about request parameters.");

    public bool? Boolean(string name) => String(name)?.ToUpperInvariant() switch
    {
        null or "" => null,
        "TRUE" => true,
        "FALSE" => false,
        _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid boolean value: {String(name)}, must be 'true' or 'false'."),
    };

    /// <summary>A list of strings; empty when absent.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something else than a list of strings.</exception>
    public IReadOnlyList<string> Strings(string name) => _query is not null
        ? [.. Values(name).OfType<string>()]
        : [.. Items(name, "a list of strings").Select(item => Text(name, item, "a list of strings"))];

    /// <summary>A value as it is, JSON's null among them; null when absent.</summary>
    public JsonElement? Element(string name) =>
        _body.ValueKind != JsonValueKind.Object ? null
        : _body.TryGetProperty(name, out var value) || _body.TryGetProperty(CamelCase(name), out value) ? value
        : null;

    /// <summary>A nested object, or null.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something else than an object.</exception>
    public RequestJson? Object(string name) =>
        Property(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new RequestJson(value, null)
        : throw WrongType(name, value, "an object");

    /// <summary>The objects of a list; empty when absent.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something else than a list of objects.</exception>
    public IEnumerable<RequestJson> Objects(string name)
    {
        foreach (var item in Items(name, "a list of objects"))
        {
            yield return item.ValueKind == JsonValueKind.Object ? new RequestJson(item, null) : throw WrongType(name, item, "a list of objects");
        }
    }

    /// <summary>A map of strings; empty when absent. Absent values are passed over.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: something else than a map of strings.</exception>
    public Dictionary<string, string> Map(string name)
    {
        var map = new Dictionary<string, string>();
        if (Property(name) is not { } value)
        {
            return map;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            throw WrongType(name, value, "an object");
        }

        foreach (var property in value.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null))
        {
            map[property.Name] = Text(name, property.Value, "an object of strings");
        }

        return map;
    }

    /// <summary>Tags and the like: a list of objects with <c>key</c> and <c>value</c>, or a map, as TypeScript clients send them. Empty when absent.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: neither, or a key is missing.</exception>
    public Dictionary<string, string> Pairs(string name)
    {
        if (Property(name) is { ValueKind: JsonValueKind.Object })
        {
            return Map(name);
        }

        var pairs = new Dictionary<string, string>();
        foreach (var pair in Objects(name))
        {
            pairs[pair.Required("key")] = pair.String("value") ?? string.Empty;
        }

        return pairs;
    }

    public static MlflowException Missing(string name) => new(
        ErrorCode.INVALID_PARAMETER_VALUE,
        $"Missing value for required parameter '{name}'. See the API docs for more information about request parameters.");

    private static MlflowException WrongType(string name, JsonElement value, string expected)
    {
        const int MaxShown = 200;
        var text = value.GetRawText();
        return new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE,
            $"Invalid value {(text.Length > MaxShown ? text[..MaxShown] + "…" : text)} for parameter '{name}' supplied:  Hint: Value was of type '{PythonType(value)}', it must be {expected}. "
            + "See the API docs for more information about request parameters.");
    }

    private static string PythonType(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "dict",
        JsonValueKind.Array => "list",
        JsonValueKind.String => "str",
        JsonValueKind.Number => value.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0 ? "int" : "float",
        JsonValueKind.True or JsonValueKind.False => "bool",
        _ => "NoneType",
    };

    // Protobuf's JSON has both forms of each name.
    private static string CamelCase(string name)
    {
        if (!name.Contains('_', StringComparison.Ordinal))
        {
            return name;
        }

        var text = new System.Text.StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            _ = name[i] == '_' && i + 1 < name.Length ? text.Append(char.ToUpperInvariant(name[++i])) : text.Append(name[i]);
        }

        return text.ToString();
    }

    private Microsoft.Extensions.Primitives.StringValues Values(string name) =>
        _query!.TryGetValue(name, out var values) || _query.TryGetValue(CamelCase(name), out values) ? values : default;

    private JsonElement? Property(string name) => Element(name) is { ValueKind: not JsonValueKind.Null } value ? value : null;

    private JsonElement.ArrayEnumerator Items(string name, string expected) =>
        Property(name) is not { } list ? default
        : list.ValueKind == JsonValueKind.Array ? list.EnumerateArray()
        : throw WrongType(name, list, expected);

    private static string Text(string name, JsonElement value, string expected) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw WrongType(name, value, expected),
    };

    private static void RequireJson(HttpRequest request)
    {
        if (string.IsNullOrEmpty(request.ContentType))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Bad Request. Content-Type header is missing.");
        }

        if (!request.ContentType.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Bad Request. Content-Type must be one of ['application/json'].");
        }
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var element = body.IsEmpty ? default : Root(body);
            if (element.ValueKind == JsonValueKind.String)
            {
                element = Root(System.Text.Encoding.UTF8.GetBytes(element.GetString()!));
            }

            return element.ValueKind is JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null ? element
                : throw new MlflowException(ErrorCode.BAD_REQUEST, $"The request's body is the JSON of a {PythonType(element)}; it must be an object.");
        }
        catch (JsonException e)
        {
            throw new MlflowException(ErrorCode.BAD_REQUEST, $"The request's body is not JSON: {e.Message}");
        }
    }

    /// <summary>The text with U+FFFD for each half of a surrogate pair: Python writes those as they are, and readers of JSON throw on them.</summary>
    public static ReadOnlyMemory<byte> WholeCharacters(ReadOnlyMemory<byte> json) =>
        json.Span.IndexOf("\\ud"u8) < 0 && json.Span.IndexOf("\\uD"u8) < 0 ? json : JsonText.ReplaceLoneSurrogates(json.Span);

    private static JsonElement Root(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(WholeCharacters(json));
        return document.RootElement.Clone();
    }
}
