using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>A sound to be written down. The endpoint cannot hear: what it writes down is what it was given.</summary>
internal sealed class TranscriptionRequest
{
    private TranscriptionRequest(string model, string responseFormat, string fileName, long bytes, TimeSpan? duration)
    {
        Model = model;
        ResponseFormat = responseFormat;
        Duration = duration;
        var length = duration is { } time ? string.Create(CultureInfo.InvariantCulture, $", {time.TotalSeconds:0.##} seconds of sound") : "";
        Text = string.Create(CultureInfo.InvariantCulture, $"I was given {fileName}, {bytes} bytes{length}.");
    }

    public string Model { get; }

    /// <summary>json, text or verbose_json.</summary>
    public string ResponseFormat { get; }

    /// <summary>Known for WAV alone.</summary>
    public TimeSpan? Duration { get; }

    public string Text { get; }

    /// <exception cref="ScriptedErrorException">The request is no form with a file that can be answered.</exception>
    public static async Task<TranscriptionRequest> ReadAsync(HttpRequest request, int maxBytes)
    {
        if (!request.HasFormContentType)
        {
            throw ScriptedError.BadRequest("Could not parse multipart form").ToException();
        }

        IFormCollection form;
        try
        {
            // All in memory: the request as a whole is bounded.
            form = await request.ReadFormAsync(new() { MemoryBufferThreshold = maxBytes, MultipartBodyLengthLimit = maxBytes }, request.HttpContext.RequestAborted);
        }
        catch (InvalidDataException)
        {
            throw ScriptedError.BadRequest("Could not parse multipart form").ToException();
        }

        var model = ScriptedModels.Require(form["model"], ScriptedModelUse.Transcription);
        var format = form["response_format"].ToString() is { Length: > 0 } given ? given : "json";
        string[] supported = model == "whisper-1" ? ["json", "text", "verbose_json"] : ["json", "text"];
        if (!supported.Contains(format))
        {
            throw ScriptedError.UnsupportedValue("response_format", format, supported).ToException();
        }

        if (form["stream"] == "true")
        {
            throw ScriptedError.UnsupportedValue("stream", "true", "false").ToException();
        }

        if (form["timestamp_granularities[]"].Contains("word"))
        {
            throw ScriptedError.UnsupportedValue("timestamp_granularities", "word", "segment").ToException();
        }

        var file = form.Files.GetFile("file") ?? throw ScriptedError.Missing("file").ToException();
        var bytes = new byte[file.Length];
        await using var stream = file.OpenReadStream();
        await stream.ReadExactlyAsync(bytes, request.HttpContext.RequestAborted);
        return new TranscriptionRequest(model, format, Path.GetFileName(file.FileName), file.Length, WaveSound.Duration(bytes));
    }
}
