using System.Globalization;

namespace MLflow.Server.Secrets;

/// <summary>
/// A file of keys, one a line: <c>VERSION BASE64</c> with 32 bytes, or <c>VERSION passphrase TEXT</c>. Lines that are empty or begin with # say nothing.
/// To rotate, a line with a higher version is added, and the old one goes when <c>mlflow secrets rotate</c> has run.
/// </summary>
internal static class KeyFile
{
    private const string Passphrase = "passphrase ";

    /// <exception cref="FormatException">Names the line and what is wrong with it, and nothing of its key.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static IReadOnlyList<IKeyEncryptionKey> Read(string path)
    {
        var keys = new List<IKeyEncryptionKey>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space < 0 || !int.TryParse(line[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var version) || version == 0 || keys.Any(key => key.Version == version))
            {
                throw Wrong("it must begin with a version of its own, 1 or more, and a space");
            }

            var rest = line[(space + 1)..];
            keys.Add(rest.StartsWith(Passphrase, StringComparison.Ordinal) && rest.Length > Passphrase.Length ? new LocalKey(version, rest[Passphrase.Length..]) : new LocalKey(version, Bytes(rest)));
        }

        return keys.Count > 0 ? keys : throw new FormatException("it has no key: write a line '1 ' and 32 bytes in Base64, as 'openssl rand -base64 32' makes them");

        byte[] Bytes(string base64)
        {
            var bytes = new byte[SecretCipher.KeyBytes];
            return Convert.TryFromBase64String(base64.Length <= 64 ? base64 : "", bytes, out var length) && length == bytes.Length
                ? bytes
                : throw Wrong($"behind the version must stand {SecretCipher.KeyBytes} bytes in Base64, or 'passphrase' and a text");
        }

        FormatException Wrong(string why) => new(string.Create(CultureInfo.InvariantCulture, $"line {number} is no key: {why}"));
    }
}
