using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>Inputs of a request without a body: what its path and its query say.</summary>
internal static class PathInputs
{
    public static AttributeValue Of(LlmCall call)
    {
        if (call.Last.Url is not { IsAbsoluteUri: true } uri)
        {
            return default;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        json.WriteStartObject();
        var count = 0;
        foreach (var (name, value) in call.Operation.PathValues(uri.AbsolutePath).Concat(UrlText.Query(uri)))
        {
            json.WriteString(name, value);
            count++;
        }

        json.WriteEndObject();
        json.Flush();
        return count == 0 ? default : AttributeValue.FromJson(buffer.WrittenSpan.ToArray());
    }
}
