using System.Buffers.Text;
using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Chat;

/// <summary>Pictures, audio and files of messages. Only what is inside of the message is shown: nothing is loaded from elsewhere.</summary>
internal static class MediaParts
{
    // What a browser plays or draws and what cannot have script in it.
    private static readonly string[] SafeImages = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];

    private static readonly (string Prefix, string Type)[] AudioStarts = [("UklGR", "audio/wav"), ("SUQz", "audio/mpeg"), ("//", "audio/mpeg"), ("T2dn", "audio/ogg"), ("ZkxhQ", "audio/flac")];

    public static ChatPart Image(string url)
    {
        if (!url.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            return new ChatPart(ChatPartKind.RemoteImage, url);
        }

        var type = TypeOf(url);
        return !SafeImages.Contains(type, StringComparer.OrdinalIgnoreCase) ? new ChatPart(ChatPartKind.File, T("A picture of type {0}, not drawn here.", type))
            : IsWhole(url) ? new ChatPart(ChatPartKind.Image, url)
            : new ChatPart(ChatPartKind.File, T("A picture of type {0}, of which only the beginning was recorded.", type));
    }

    public static ChatPart ImageData(string? type, string data) => Image($"data:{type ?? "image/png"};base64,{data}");

    /// <summary>Audio of a message.</summary>
    /// <param name="data">Base64, or null where there is none.</param>
    /// <param name="format">What the message says of it, or null.</param>
    /// <param name="transcript">What is said in it, or null.</param>
    public static ChatPart Audio(string? data, string? format, string? transcript)
    {
        var type = format switch
        {
            "wav" => "audio/wav",
            "mp3" => "audio/mpeg",
            "opus" or "ogg" => "audio/ogg",
            "flac" => "audio/flac",
            "aac" => "audio/aac",
            _ => AudioStarts.FirstOrDefault(start => data?.StartsWith(start.Prefix, StringComparison.Ordinal) == true).Type,
        };
        var words = transcript ?? (format is null ? T("Audio.") : T("Audio, {0}.", format));
        if (data is null || type is null)
        {
            return new ChatPart(ChatPartKind.Audio, data is null ? words : $"{words} {T("This page cannot play its format.")}");
        }

        var url = $"data:{type};base64,{data}";
        return IsWhole(url) ? new ChatPart(ChatPartKind.Audio, words) { Url = url } : new ChatPart(ChatPartKind.Audio, $"{words} {T("Only its beginning was recorded.")}");
    }

    public static ChatPart File(JsonElement file)
    {
        var name = file.Text("filename") ?? file.Text("file_id") ?? file.Text("file_url") ?? T("File without a name");
        var data = file.Text("file_data");
        if (data is null)
        {
            return new ChatPart(ChatPartKind.File, name);
        }

        // Some send bare base64.
        var url = data.StartsWith("data:", StringComparison.OrdinalIgnoreCase) ? data : "data:application/octet-stream;base64," + data;
        return IsWhole(url)
            ? new ChatPart(ChatPartKind.File, name) { Name = name, Url = "data:application/octet-stream;base64," + url[(url.IndexOf(',', StringComparison.Ordinal) + 1)..] }
            : new ChatPart(ChatPartKind.File, $"{name}. {T("Only its beginning was recorded.")}");
    }

    private static string TypeOf(string url)
    {
        var end = url.AsSpan().IndexOfAny(';', ',');
        return end < 5 ? "" : url[5..end];
    }

    // Large media is cut when it is recorded; half a picture would be drawn as a broken one.
    private static bool IsWhole(string url)
    {
        var comma = url.IndexOf(',', StringComparison.Ordinal);
        return comma > 0 && url.AsSpan(0, comma).EndsWith(";base64", StringComparison.OrdinalIgnoreCase) && Base64.IsValid(url.AsSpan(comma + 1));
    }
}
