using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MLflow.Server.Pricing;

/// <summary>Reads a price table, which docs/costs.md describes.</summary>
internal sealed partial class PriceTableReader
{
    private const int MaxBytes = 8 << 20;
    private static readonly JsonDocumentOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16 };

    private static readonly Dictionary<string, PriceUnit> Units = new()
    {
        ["million_tokens"] = PriceUnit.MillionTokens,
        ["million_characters"] = PriceUnit.MillionCharacters,
        ["minute"] = PriceUnit.Minute,
        ["image"] = PriceUnit.Image,
    };

    private readonly string _name;
    private readonly bool _isShipped;
    private readonly List<string> _mistakes = [];
    private readonly Dictionary<string, string> _sources = [];

    private PriceTableReader(string name, bool isShipped)
    {
        _name = name;
        _isShipped = isShipped;
    }

    /// <exception cref="PriceTableException">The file cannot be read, or something in it is wrong.</exception>
    public static PriceTable ReadFile(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return stream.Length <= MaxBytes ? Read(stream, $"The price table '{path}'", isShipped: false)
                : throw new PriceTableException($"The price table '{path}' has {stream.Length} bytes, and may have {MaxBytes}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new PriceTableException($"The price table '{path}' cannot be read: {e.Message}");
        }
    }

    /// <param name="stream">JSON.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="isShipped">Each price has to say where it comes from; the patterns are known to be right.</param>
    /// <exception cref="PriceTableException">It is not as it should be.</exception>
    public static PriceTable Read(Stream stream, string name, bool isShipped)
    {
        try
        {
            using var document = JsonDocument.Parse(stream, Options);
            return new PriceTableReader(name, isShipped).Read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new PriceTableException($"{name} is not JSON: {e.Message}");
        }
    }

    private PriceTable Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new PriceTableException($"{_name} is not a JSON object.");
        }

        foreach (var source in Members(root, "sources"))
        {
            var text = Text(source.Value, "text", $"source '{source.Name}'");
            _sources[source.Name] = $"{text}, {Text(source.Value, "as_of", $"source '{source.Name}'")}";
        }

        var models = new List<ModelPrices>();
        if (root.TryGetProperty("models", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            models.AddRange(list.EnumerateArray().Select(Model).OfType<ModelPrices>());
        }
        else if (list.ValueKind != JsonValueKind.Undefined)
        {
            _mistakes.Add("'models' is not a list");
        }

        var aliases = new PriceAliases(
            Members(root, "deployments").ToDictionary(p => p.Name, p => AsText(p.Value, $"deployment '{p.Name}'")),
            Members(root, "hosts").ToDictionary(p => p.Name, p => AsText(p.Value, $"host '{p.Name}'"), StringComparer.OrdinalIgnoreCase),
            root.TryGetProperty("unknown_hosts", out var unknown) ? AsText(unknown, "'unknown_hosts'") : null);
        var version = Text(root, "version", "the table");
        return _mistakes.Count == 0 ? new PriceTable(version, models, aliases)
            : throw new PriceTableException($"{_name} is wrong: {string.Join("; ", _mistakes.Take(20))}{(_mistakes.Count > 20 ? $"; and {_mistakes.Count - 20} more mistakes" : "")}.");
    }

    private ModelPrices? Model(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            _mistakes.Add("a model is not an object");
            return null;
        }

        var provider = Text(json, "provider", "a model");
        var model = Text(json, "model", $"a model of '{provider}'");
        if (!_isShipped && model.StartsWith('^') && !IsPattern(model))
        {
            _mistakes.Add($"the model '{model}' is not a regular expression that can be matched without back-tracking");
            return null;
        }

        if (!json.TryGetProperty("prices", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            _mistakes.Add($"'{model}' has no list 'prices'");
            return null;
        }

        return new ModelPrices(provider, model, [.. list.EnumerateArray().Select(price => Price(price, model)).OfType<Price>()]);
    }

    private Price? Price(JsonElement json, string model)
    {
        var kind = json.ValueKind == JsonValueKind.Object ? Text(json, "kind", $"a price of '{model}'") : "";
        var what = $"'{kind}' of '{model}'";
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("usd", out var usd) || usd.ValueKind != JsonValueKind.Number || !usd.TryGetDecimal(out var price) || price is < 0 or > 1_000_000)
        {
            _mistakes.Add($"{what} has no 'usd' that is a number from 0 to 1000000");
            return null;
        }

        if (!Kinds().IsMatch(kind))
        {
            _mistakes.Add($"{what} is no kind of price: use input, cached_input, cache_write, output, audio_input, audio_output, image_input or image_output, with a tier or a length before it");
        }

        var unit = PriceUnit.MillionTokens;
        if (json.TryGetProperty("per", out var per) && !Units.TryGetValue(AsText(per, $"'per' of {what}"), out unit))
        {
            _mistakes.Add($"'per' of {what} is none of {string.Join(", ", Units.Keys)}");
        }

        string? source = null;
        if (json.TryGetProperty("source", out var key) && !_sources.TryGetValue(AsText(key, $"'source' of {what}"), out source))
        {
            _mistakes.Add($"the source '{key}' of {what} is not among the sources");
        }

        if (source is null && _isShipped)
        {
            _mistakes.Add($"{what} has no source");
        }

        return new Price(kind, unit, price, Instant(json, "from", what), Instant(json, "to", what), source ?? "set in the user's table");
    }

    private DateTimeOffset? Instant(JsonElement json, string name, string what)
    {
        if (!json.TryGetProperty(name, out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParseExact(value.GetString(), ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var instant))
        {
            return instant;
        }

        _mistakes.Add($"'{name}' of {what} is {value.GetRawText()}, and must be a day as \"2026-11-23\" or an instant as \"2026-11-23T16:00:00Z\"");
        return null;
    }

    private IEnumerable<JsonProperty> Members(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            _mistakes.Add($"'{name}' is not an object");
            return [];
        }

        return value.EnumerateObject().DistinctBy(member => member.Name);
    }

    private string Text(JsonElement json, string name, string what)
    {
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value))
        {
            return AsText(value, $"'{name}' of {what}");
        }

        _mistakes.Add($"{what} has no '{name}'");
        return "";
    }

    private string AsText(JsonElement json, string what)
    {
        if (json.ValueKind == JsonValueKind.String && json.GetString() is { Length: > 0 } text)
        {
            return text;
        }

        _mistakes.Add($"{what} is not a text");
        return "";
    }

    private static bool IsPattern(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>What <see cref="CallPricer"/> asks for.</summary>
    [GeneratedRegex(@"^((flex|priority|ultrafast)_)?(long_context_[0-9]+_)?(input|cached_input|cache_write|output|(audio|image)_(input|output)|image_output\[[^\]]+\])\z")]
    private static partial Regex Kinds();
}
