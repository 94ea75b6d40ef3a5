using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>Compares what was written out of a trace with what was recorded: JSON as JSON, streams event by event, everything else byte by byte.</summary>
internal static partial class ExchangeComparison
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 512 };

    /// <returns>The first difference; null when there is none.</returns>
    public static string? Compare(StoredExchange recorded, RecordedExchange written)
    {
        if (!written.IsComplete)
        {
            return "incomplete: " + written.IncompleteReason;
        }

        return Differs("method", recorded.Method, written.Method)
            ?? Differs("path", recorded.PathAndQuery, written.Url.PathAndQuery)
            ?? Differs("status", recorded.Status, written.Status)
            ?? Differs("request content type", MediaType(recorded.RequestBody.Length > 0 ? recorded.RequestContentType : written.RequestContentType), MediaType(written.RequestContentType))
            ?? Differs("response content type", recorded.ResponseContentType, written.ResponseContentType)
            ?? Differs("stream", recorded.IsEventStream, written.IsStream)
            ?? Bodies("request", recorded.RequestBody, recorded.RequestContentType, written.RequestBody.ToArray(), written.RequestContentType)
            ?? (recorded.IsEventStream
                ? Events(recorded.ResponseBody, written)
                : Bodies("response", recorded.ResponseBody, recorded.ResponseContentType, written.ResponseBody.ToArray(), written.ResponseContentType));
    }

    private static string? Events(byte[] recorded, RecordedExchange written)
    {
        var expected = Parse(Encoding.UTF8.GetString(recorded));
        return Events("event", expected, Parse(Encoding.UTF8.GetString(written.ResponseBody.Span)))
            ?? Events("listed event", expected, [.. written.Events.Select(e => (e.EventType, e.Data))]);
    }

    private static string? Events(string what, List<(string? Type, string Data)> expected, List<(string? Type, string Data)> actual)
    {
        for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
        {
            if (i >= expected.Count || i >= actual.Count || expected[i] != actual[i])
            {
                return $"{what} {i} of {expected.Count}: recorded {At(expected, i)}, written {At(actual, i)}";
            }
        }

        return null;

        static string At(List<(string? Type, string Data)> events, int i) => i < events.Count ? Short($"{events[i].Type ?? "-"} {events[i].Data}") : "nothing";
    }

    /// <summary>Events as the standard cuts them, but for the last: recordings often lack the blank line behind it.</summary>
    private static List<(string? Type, string Data)> Parse(string stream)
    {
        var events = new List<(string?, string)>();
        string? type = null;
        var data = new List<string>();
        foreach (var line in LineEnds().Split(stream.TrimStart('\uFEFF')).Append(""))
        {
            if (line.Length == 0)
            {
                if (data.Count > 0)
                {
                    events.Add((type, string.Join('\n', data)));
                }

                type = null;
                data.Clear();
                continue;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var value = colon < 0 ? "" : line[(colon + 1)..];
            value = value.StartsWith(' ') ? value[1..] : value;
            switch (colon < 0 ? line : line[..colon])
            {
                case "data":
                    data.Add(value);
                    break;
                case "event":
                    type = value.Length == 0 ? null : value;
                    break;
            }
        }

        return events;
    }

    private static string? Bodies(string what, byte[] recorded, string? recordedType, byte[] written, string? writtenType)
    {
        if (recorded.AsSpan().SequenceEqual(written))
        {
            return null;
        }

        if (TryParse(recorded) is var (expected, isJson) && isJson)
        {
            return TryParse(written) is var (actual, isAlsoJson) && isAlsoJson && JsonNode.DeepEquals(expected, actual)
                ? null
                : $"{what}: recorded {Show(recorded)}, written {Show(written)}";
        }

        if (MediaType(recordedType) == "multipart/form-data" && MediaType(writtenType) == "multipart/form-data")
        {
            var expectedParts = Parts(recorded, recordedType!);
            var actualParts = Parts(written, writtenType!);
            return expectedParts.Count == actualParts.Count && expectedParts.Zip(actualParts).All(pair => IsSamePart(pair.First, pair.Second))
                ? null
                : $"{what} parts: recorded {string.Join(" | ", expectedParts.Select(Show))}, written {string.Join(" | ", actualParts.Select(Show))}";
        }

        return $"{what} ({recordedType}): recorded {Show(recorded)}, written {Show(written)} ({writtenType})";
    }

    /// <summary>The type of a file that was sent without one is told from its content; that of a text says nothing.</summary>
    private static bool IsSamePart(FormPart expected, FormPart actual) =>
        expected with { ContentType = null } == actual with { ContentType = null }
        && (expected.FileName is null || string.IsNullOrEmpty(expected.ContentType) || expected.ContentType == actual.ContentType);

    private static List<FormPart> Parts(byte[] body, string contentType)
    {
        var boundary = MediaTypeHeaderValue.Parse(contentType).Parameters.Single(p => p.Name == "boundary").Value!.Trim('"');

        // Latin-1 keeps each byte a character.
        var text = "\r\n" + Encoding.Latin1.GetString(body);
        var parts = new List<FormPart>();
        foreach (var part in text.Split("\r\n--" + boundary)[1..])
        {
            if (part.StartsWith("--", StringComparison.Ordinal))
            {
                break;
            }

            var head = part.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var headers = part[..head].Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':', 2))
                .ToDictionary(pair => pair[0].Trim().ToLowerInvariant(), pair => pair[1].Trim());
            parts.Add(new FormPart(
                Parameter(headers["content-disposition"], "name")!,
                Parameter(headers["content-disposition"], "filename"),
                headers.GetValueOrDefault("content-type"),
                part[(head + 4)..]));
        }

        return parts;
    }

    /// <summary>A backslash that stands before anything but a quote or another one is itself.</summary>
    private static string? Parameter(string disposition, string name)
    {
        var match = Regex.Match(disposition, $";\\s*{name}=(?:\"((?:\\\\[\"\\\\]|[^\"])*)\"|([^;]*))");
        return match.Success ? Regex.Replace(match.Groups[1].Value + match.Groups[2].Value, "\\\\([\"\\\\])", "$1") : null;
    }

    private static (JsonNode? Json, bool IsJson) TryParse(byte[] body)
    {
        try
        {
            return (JsonNode.Parse(body, documentOptions: Deep), true);
        }
        catch (JsonException)
        {
            return (null, false);
        }
    }

    private static string? MediaType(string? contentType) => contentType?.Split(';')[0].Trim();

    private static string? Differs<T>(string what, T expected, T actual) =>
        EqualityComparer<T>.Default.Equals(expected, actual) ? null : $"{what}: recorded {expected}, written {actual}";

    private static string Show(FormPart part) => $"{part.Name}; {part.FileName}; {part.ContentType}; {part.Content.Length} bytes {Short(part.Content)}";

    private static string Show(byte[] body) => $"{body.Length} bytes {Short(Encoding.UTF8.GetString(body))}";

    private static string Short(string text) => text.Length > 300 ? text[..300] + "…" : text;

    [GeneratedRegex("\r\n|\n|\r")]
    private static partial Regex LineEnds();
}
