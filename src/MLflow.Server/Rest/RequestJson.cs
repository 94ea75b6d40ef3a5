using System.Globalization;
using System.Text.Json;

namespace MLflow.Server.Rest;

/// <summary>
/// The parameters of a call, read as leniently as MLflow does: an empty body is <c>{}</c>, a JSON string that holds JSON is read again,
/// integers may be numbers or strings, unknown fields are passed over. For GET, the query string stands for the body.
/// </summary>
internal readonly struct RequestJson
{
    /// <summary>Bytes of a JSON body.</summary>
    public const int MaxBodyBytes = 16 * 1024 * 1024;

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
    public static RequestJson Parse(string json)
    {
        var body = System.Text.Encoding.UTF8.GetBytes(json);
        return body.Length <= MaxBodyBytes ? new(Parse(body), null) : throw RequestBody.TooLong(MaxBodyBytes);
    }

    public static async Task<RequestJson> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (HttpMethods.IsPost(request.Method) || HttpMethods.IsPut(request.Method))
        {
            RequireJson(request);
        }

        return new RequestJson(Parse(await RequestBody.ReadAsync(request, MaxBodyBytes, cancellationToken).ConfigureAwait(false)), null);
    }

    /// <summary>A string; numbers and booleans as their text. Null when absent or null.</summary>
    public string? String(string name)
    {
        if (_query is not null)
        {
            return _query.TryGetValue(name, out var values) ? values[0] : null;
        }

        return Property(name) is { } value ? Text(value) : null;
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

    public bool? Boolean(string name) => String(name)?.ToUpperInvariant() switch
    {
        null or "" => null,
        "TRUE" => true,
        "FALSE" => false,
        _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid boolean value: {String(name)}, must be 'true' or 'false'."),
    };

    /// <summary>A list of strings; empty when absent.</summary>
    public IReadOnlyList<string> Strings(string name)
    {
        if (_query is not null)
        {
            return [.. _query[name].OfType<string>()];
        }

        return Property(name) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(Text)] : [];
    }

    /// <summary>A value as it is, JSON's null among them; null when absent.</summary>
    public JsonElement? Element(string name) =>
        _body.ValueKind == JsonValueKind.Object && _body.TryGetProperty(name, out var value) ? value : null;

    /// <summary>A nested object, or null.</summary>
    public RequestJson? Object(string name) =>
        Property(name) is { ValueKind: JsonValueKind.Object } value ? new RequestJson(value, null) : null;

    /// <summary>The objects of a list; empty when absent.</summary>
    public IEnumerable<RequestJson> Objects(string name) =>
        Property(name) is { ValueKind: JsonValueKind.Array } list
            ? list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).Select(item => new RequestJson(item, null))
            : [];

    /// <summary>A map of strings; empty when absent.</summary>
    public Dictionary<string, string> Map(string name)
    {
        var map = new Dictionary<string, string>();
        if (Property(name) is { ValueKind: JsonValueKind.Object } value)
        {
            foreach (var property in value.EnumerateObject())
            {
                map[property.Name] = Text(property.Value);
            }
        }

        return map;
    }

    public static MlflowException Missing(string name) => new(
        ErrorCode.INVALID_PARAMETER_VALUE,
        $"Missing value for required parameter '{name}'. See the API docs for more information about request parameters.");

    private JsonElement? Property(string name) =>
        _body.ValueKind == JsonValueKind.Object && _body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        }
        catch (InvalidOperationException)
        {
            throw new MlflowException(ErrorCode.BAD_REQUEST, "The request's body has half of a surrogate pair in a string, which is no character; send the pair, or U+FFFD.");
        }
    }

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

            return element;
        }
        catch (JsonException e)
        {
            throw new MlflowException(ErrorCode.BAD_REQUEST, $"The request's body is not JSON: {e.Message}");
        }
    }

    private static JsonElement Root(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
