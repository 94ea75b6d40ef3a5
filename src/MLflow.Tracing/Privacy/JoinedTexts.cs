using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>The texts that the items of a list make together: those that stand at the same place in each item, one behind the other.</summary>
internal static class JoinedTexts
{
    public static IEnumerable<string> Of(ReadOnlySpan<byte> list)
    {
        var texts = new Dictionary<string, StringBuilder>();
        var place = new List<string>();
        var reader = new Utf8JsonReader(list, AttributeJson.ReaderOptions);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                Add(ref reader, place, texts);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What came before is looked at.
        }

        return texts.Values.Select(text => text.ToString()).ToList();
    }

    /// <summary>As <see cref="Of"/>, for the text of a stream of server-sent events.</summary>
    public static IEnumerable<string> OfEvents(string stream)
    {
        var events = stream.Split('\n').Where(line => line.StartsWith("data:", StringComparison.Ordinal)).Select(line => line[5..].Trim()).Where(data => data is ['{', ..] && JsonText.IsJson(Encoding.UTF8.GetBytes(data)));
        return Of(Encoding.UTF8.GetBytes($"[{string.Join(',', events)}]"));
    }

    private static void Add(ref Utf8JsonReader reader, List<string> place, Dictionary<string, StringBuilder> texts)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    place.Add(ValueRedactor.Text(reader));
                    reader.Read();
                    Add(ref reader, place, texts);
                    place.RemoveAt(place.Count - 1);
                }

                break;
            case JsonTokenType.StartArray:
                for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
                {
                    place.Add(index.ToString(System.Globalization.CultureInfo.InvariantCulture));
                    Add(ref reader, place, texts);
                    place.RemoveAt(place.Count - 1);
                }

                break;
            case JsonTokenType.String:
                var key = string.Join('\n', place);
                if (!texts.TryGetValue(key, out var text))
                {
                    texts.Add(key, text = new StringBuilder());
                }

                text.Append(ValueRedactor.Text(reader));
                break;
            default:
                break;
        }
    }
}
