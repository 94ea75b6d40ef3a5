using System.Text.Json;

namespace MLflow;

/// <summary>Reads a JSON response body: the output and what it says about itself, whichever API answered.</summary>
internal static class ResponseReader
{
    /// <param name="recorded">The body, or a stream merged to its shape.</param>
    /// <param name="fields">Takes the result.</param>
    /// <param name="readsError">True where an <c>error</c> in the body means that the call failed.</param>
    public static void Read(in RecordedBody recorded, RecordedFields fields, bool readsError = false)
    {
        var body = JsonText.ValidUtf8(recorded.Bytes);
        var isJson = true;
        try
        {
            var reader = new Utf8JsonReader(body, JsonText.ReaderOptions);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadFields(ref reader, body, fields, readsError);
            }

            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            isJson = false;
        }

        fields.Outputs = JsonText.Body(body, isJson);
    }

    private static void ReadFields(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordedFields fields, bool readsError)
    {
        ApiError? error = null;
        string? status = null, incompleteReason = null;
        bool hasChoices = false, isResponse = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            if (name.SequenceEqual("usage"u8))
            {
                ChatUsage.Read(ref reader, body, fields);
            }
            else if (name.SequenceEqual("x_groq"u8) && reader.TokenType == JsonTokenType.StartObject && fields.ReportedUsage is null)
            {
                // Groq's streams report it there.
                ReadUsageIn(reader, body, fields);
            }
            else if (name.SequenceEqual("model"u8))
            {
                fields.ResponseModel = TextOr(fields.ResponseModel, ref reader);
            }
            else if (name.SequenceEqual("id"u8))
            {
                fields.ResponseId = TextOr(fields.ResponseId, ref reader);
            }
            else if (name.SequenceEqual("object"u8))
            {
                isResponse = reader.TokenType == JsonTokenType.String && reader.ValueSpan.SequenceEqual("response"u8);
            }
            else if (name.SequenceEqual("service_tier"u8))
            {
                fields.ServiceTier = TextOr(fields.ServiceTier, ref reader);
            }
            else if (name.SequenceEqual("system_fingerprint"u8))
            {
                fields.SystemFingerprint = TextOr(fields.SystemFingerprint, ref reader);
            }
            else if (name.SequenceEqual("previous_response_id"u8))
            {
                fields.PreviousResponseId = TextOr(fields.PreviousResponseId, ref reader);
            }
            else if (name.SequenceEqual("conversation"u8))
            {
                fields.Session ??= ReadTextOrId(reader);
            }
            else if (name.SequenceEqual("status"u8))
            {
                status = TextOr(status, ref reader);
            }
            else if (name.SequenceEqual("incomplete_details"u8))
            {
                incompleteReason = ReadText(reader, "reason"u8);
            }
            else if (name.SequenceEqual("choices"u8))
            {
                hasChoices = ReadFinishReason(ref reader, fields);
            }
            else if (name.SequenceEqual("error"u8))
            {
                error = ApiErrorReader.Read(ref reader);
            }

            reader.Skip();
        }

        if (isResponse)
        {
            // What is still under way has not ended for any reason.
            fields.FinishReason = incompleteReason ?? (status is "queued" or "in_progress" ? null : status);
        }

        // An answer beside the error (some servers send "error": {} always) is an answer.
        fields.Error = hasChoices || !readsError ? fields.Error : error ?? fields.Error;
    }

    /// <summary>A text, or the <c>id</c> of an object. Reads with a copy of the reader.</summary>
    public static string? ReadTextOrId(Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String ? NullIfEmpty(JsonText.ReadString(ref reader)) : ReadText(reader, "id"u8);

    private static string? ReadText(Utf8JsonReader reader, ReadOnlySpan<byte> field)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMeant = reader.ValueSpan.SequenceEqual(field);
            reader.Read();
            if (isMeant)
            {
                return NullIfEmpty(JsonText.ReadStringOrNull(ref reader));
            }

            reader.Skip();
        }

        return null;
    }

    private static void ReadUsageIn(Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordedFields fields)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isUsage = reader.ValueSpan.SequenceEqual("usage"u8);
            reader.Read();
            if (isUsage)
            {
                ChatUsage.Read(ref reader, body, fields);
            }

            reader.Skip();
        }
    }

    /// <summary>Reads the list of choices, of which the first counts. Its message may be all there is of a body, so it is not read twice.</summary>
    /// <returns>True when there is a choice.</returns>
    private static bool ReadFinishReason(ref Utf8JsonReader reader, RecordedFields fields)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        reader.Read();
        var hasChoice = reader.TokenType == JsonTokenType.StartObject;
        if (hasChoice)
        {
            fields.FinishReason = TakeText(ref reader, "finish_reason"u8);
        }

        while (reader.TokenType != JsonTokenType.EndArray)
        {
            reader.Skip();
            reader.Read();
        }

        return hasChoice;
    }

    /// <summary>Reads an object to its end.</summary>
    /// <returns>The first field of that name; null where that is no text, or empty.</returns>
    private static string? TakeText(ref Utf8JsonReader reader, ReadOnlySpan<byte> field)
    {
        string? text = null;
        var isFound = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMeant = !isFound && reader.ValueSpan.SequenceEqual(field);
            reader.Read();
            if (isMeant)
            {
                text = NullIfEmpty(JsonText.ReadStringOrNull(ref reader));
                isFound = true;
            }

            reader.Skip();
        }

        return text;
    }

    private static string? TextOr(string? other, ref Utf8JsonReader reader) => NullIfEmpty(JsonText.ReadStringOrNull(ref reader)) ?? other;

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
