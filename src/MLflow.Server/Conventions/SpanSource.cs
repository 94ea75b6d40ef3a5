using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Conventions;

/// <summary>What a span and its log records tell, by the names that instrumentations use.</summary>
internal sealed class SpanSource
{
    /// <summary>An event (or log record) that carries the attributes of its span's messages, semantic conventions 1.37.</summary>
    private const string DetailsEvent = "gen_ai.client.inference.operation.details";

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = StoredJson.MaxDepth };

    private readonly Dictionary<string, string> _attributes;
    private string[]? _sortedKeys;

    public SpanSource(SpanRecord span)
    {
        Span = span;
        _attributes = new Dictionary<string, string>(span.Attributes.Count);
        foreach (var (key, value) in span.Attributes)
        {
            _attributes[key] = value;
        }

        foreach (var (key, value) in span.Events.Where(e => e.Name == DetailsEvent).SelectMany(e => e.Attributes))
        {
            _attributes.TryAdd(key, value);
        }
    }

    public SpanRecord Span { get; }

    /// <summary>The names of all attributes that begin so, found without a look at the others.</summary>
    public IEnumerable<string> KeysFrom(string prefix)
    {
        if (_sortedKeys is null)
        {
            _sortedKeys = [.. _attributes.Keys];
            Array.Sort(_sortedKeys, StringComparer.Ordinal);
        }

        var at = Array.BinarySearch(_sortedKeys, prefix, StringComparer.Ordinal);
        for (at = at < 0 ? ~at : at; at < _sortedKeys.Length && _sortedKeys[at].StartsWith(prefix, StringComparison.Ordinal); at++)
        {
            yield return _sortedKeys[at];
        }
    }

    /// <summary>The JSON text of an attribute; null when it is absent, null, or empty text.</summary>
    public string? Json(string key) => _attributes.TryGetValue(key, out var json) && json is not ("null" or "\"\"") ? json : null;

    /// <summary>The attribute as a value, where text that holds an object or an array is what it holds; undefined when it is absent.</summary>
    public JsonElement Value(string key) => Json(key) is { } json ? Parse(json) : default;

    /// <summary>The attribute as text; null when it is absent or no plain value.</summary>
    public string? Text(string key) => Value(key) is var value && value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    } is { Length: > 0 } text ? text : null;

    public static JsonElement Parse(string json)
    {
        var value = JsonElement.Parse(json, Options);
        return value.ValueKind == JsonValueKind.String ? Unfold(value) : value;
    }

    /// <summary>Text that holds an object or an array is what it holds; anything else stays as it is.</summary>
    public static JsonElement Unfold(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || value.GetString() is not { } text || text.AsSpan().TrimStart() is not ['{' or '[', ..])
        {
            return value;
        }

        try
        {
            return JsonElement.Parse(StoredJson.Structure(text), Options);
        }
        catch (JsonException)
        {
            return value;
        }
    }

    /// <summary>A whole number, also as text or as a double; null for anything else, and for negative ones.</summary>
    public static long? Count(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDouble(out var number) && number is >= 0 and < 1L << 52 => (long)number,
        JsonValueKind.String when long.TryParse(value.GetString(), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) && number < 1L << 52 => number,
        _ => null,
    };
}
