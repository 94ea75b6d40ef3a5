using System.Text;
using System.Text.Json;

namespace MLflow.Server.Traces;

/// <summary>Token counts as MLflow writes them: <c>{"input_tokens":9,"output_tokens":12,"total_tokens":21,"cache_read_input_tokens":0}</c>.</summary>
internal readonly record struct TokenCounts(long? Input, long? Output, long? Total, long? CachedInput)
{
    // Sums of what strangers tell must not overflow.
    private const double MaxTokens = 1L << 52;

    public bool Any => Input is not null || Output is not null || Total is not null;

    /// <summary>None at all where the text is absent or something else.</summary>
    public static TokenCounts Parse(string? json)
    {
        if (json is null || !json.StartsWith('{'))
        {
            return default;
        }

        long? input = null, output = null, total = null, cached = null;
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var number) && number is >= 0 and <= MaxTokens)
                {
                    var count = (long)number;
                    switch (name)
                    {
                        case "input_tokens":
                            input = count;
                            break;
                        case "output_tokens":
                            output = count;
                            break;
                        case "total_tokens":
                            total = count;
                            break;
                        case "cache_read_input_tokens":
                            cached = count;
                            break;
                        default:
                            break;
                    }
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        catch (JsonException)
        {
            return default;
        }

        return new TokenCounts(input, output, total ?? (input is not null && output is not null ? input + output : null), cached);
    }

    /// <summary>As Python's MLflow writes it, so that clients which compare text agree.</summary>
    public string ToJson()
    {
        var text = new StringBuilder("{");
        Append(text, "input_tokens", Input);
        Append(text, "output_tokens", Output);
        Append(text, "total_tokens", Total);
        Append(text, "cache_read_input_tokens", CachedInput);
        return text.Append('}').ToString();
    }

    private static void Append(StringBuilder text, string name, long? count)
    {
        if (count is { } number)
        {
            text.Append(text.Length > 1 ? ", " : "").Append('"').Append(name).Append("\": ").Append(number);
        }
    }
}
