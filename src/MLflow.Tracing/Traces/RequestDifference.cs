using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>Says where a request's body first differs from a recorded one.</summary>
internal static class RequestDifference
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = AttributeJson.ReaderOptions.MaxDepth };

    /// <returns>Null when the bodies say the same.</returns>
    public static string? Find(RecordedExchange recorded, ReadOnlySpan<byte> sent, string? sentContentType)
    {
        var body = recorded.RequestBody.Span;
        if (body.IsEmpty || sent.IsEmpty)
        {
            return body.IsEmpty == sent.IsEmpty ? null : body.IsEmpty ? "the recorded request has no body" : "the request has no body";
        }

        if (TryParse(body, out var ours) && TryParse(sent, out var theirs))
        {
            return JsonDifference.Find(ours, theirs);
        }

        if (TryReadForm(body, recorded.RequestContentType, out var recordedForm) && TryReadForm(sent, sentContentType, out var sentForm))
        {
            return JsonDifference.Find(recordedForm, sentForm);
        }

        var at = body.CommonPrefixLength(sent);
        return at == body.Length && at == sent.Length
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"byte {at} of the body: recorded {body.Length} bytes, sent {sent.Length}");
    }

    /// <summary>As it would be recorded: boundaries and the parts' other headers do not matter.</summary>
    private static bool TryReadForm(ReadOnlySpan<byte> body, string? contentType, out JsonElement form)
    {
        form = default;
        if (MultipartText.BoundaryOf(contentType) is null)
        {
            return false;
        }

        var fields = new RecordedFields();
        MultipartForm.Read(new RecordedBody(body, contentType), fields);
        return fields.Inputs.Kind == AttributeValueKind.Json && TryParse(fields.Inputs.Json, out form);
    }

    private static bool TryParse(ReadOnlySpan<byte> body, out JsonElement json)
    {
        try
        {
            json = JsonElement.Parse(body, Options);
            return true;
        }
        catch (JsonException)
        {
            json = default;
            return false;
        }
    }
}
