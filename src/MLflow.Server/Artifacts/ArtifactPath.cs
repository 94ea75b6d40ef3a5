using System.Text;
using MLflow.Server.Blobs;

namespace MLflow.Server.Artifacts;

/// <summary>A checked path of an artifact: relative, with slashes, nowhere out of the folder of artifacts on any system.</summary>
internal static class ArtifactPath
{
    /// <summary>In the folder of all artifacts: files being written, and uploads in parts.</summary>
    public const string WorkFolder = ".mlflow-uploads";

    private const int MaxLength = 1024;

    /// <summary>Bytes of a name in common file systems.</summary>
    private const int MaxNameBytes = 255;

    /// <summary>How often a path may be escaped before it is refused for that alone.</summary>
    private const int MaxEscapes = 8;

    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL"];

    private static readonly string[] Ports = ["COM", "LPT"];

    /// <returns>The path without slashes at its ends; empty for the folder of all artifacts.</returns>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it would lead elsewhere, or no file can have it.</exception>
    public static string Check(string? path)
    {
        var checkedPath = (path ?? string.Empty).Trim('/');
        if (checkedPath.Length > MaxLength)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid path: it has {checkedPath.Length} characters, at most {MaxLength} are allowed.");
        }

        // A proxy or a program behind may undo escapes once more than we have.
        var plain = checkedPath;
        for (var i = 0; i < MaxEscapes; i++)
        {
            Require(plain, path!);
            var unescaped = Uri.UnescapeDataString(plain);
            if (unescaped == plain)
            {
                return checkedPath;
            }

            plain = unescaped;
        }

        throw Invalid(path!);
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: see <see cref="Check"/>, or it names no file.</exception>
    public static string CheckFile(string? path) => Check(path) is { Length: > 0 } file
        ? file
        : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Invalid path: it is empty, and must name a file.");

    /// <summary>Whether a name in the folder of all artifacts is one of the server's own.</summary>
    public static bool IsReserved(string name) => name.Equals(WorkFolder, StringComparison.OrdinalIgnoreCase) || name.Equals(BlobDestination.DefaultFolder, StringComparison.OrdinalIgnoreCase);

    private static void Require(string plain, string path)
    {
        if (plain.Length == 0)
        {
            return;
        }

        if (IsReserved(plain.Split('/')[0]))
        {
            throw Invalid(path);
        }

        foreach (var name in plain.Split('/'))
        {
            // Windows: a backslash parts names, a colon ends a drive's, dots and spaces at the end do not count.
            if (name.Length == 0 || name[^1] is '.' or ' ' || name.AsSpan().ContainsAny('\\', ':') || name.Any(char.IsControl) || IsDevice(name) || Encoding.UTF8.GetByteCount(name) > MaxNameBytes)
            {
                throw Invalid(path);
            }
        }
    }

    // Whatever follows a dot: NUL.txt is the device, too.
    private static bool IsDevice(string name)
    {
        var stem = name.AsSpan(0, name.IndexOf('.', StringComparison.Ordinal) is >= 0 and var dot ? dot : name.Length).TrimEnd(' ');
        return (stem.Length == 3 && Devices.Contains(stem.ToString(), StringComparer.OrdinalIgnoreCase))
            || (stem.Length == 4 && char.IsAsciiDigit(stem[3]) && Ports.Contains(stem[..3].ToString(), StringComparer.OrdinalIgnoreCase));
    }

    private static MlflowException Invalid(string path) => new(
        ErrorCode.INVALID_PARAMETER_VALUE,
        $"Invalid path: '{path}'. Names between slashes must not be empty, dots alone, '{WorkFolder}' or '{BlobDestination.DefaultFolder}', be a device of Windows (as NUL), have a backslash, a colon or control characters, or more than {MaxNameBytes} bytes.");
}
