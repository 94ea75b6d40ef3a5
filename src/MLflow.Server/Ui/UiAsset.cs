using System.IO.Compression;
using System.Security.Cryptography;

namespace MLflow.Server.Ui;

/// <summary>A file of the web UI, served from the assembly.</summary>
internal sealed class UiAsset
{
    private readonly Lazy<byte[]> _brotli;

    public UiAsset(string contentType, byte[] content)
    {
        ContentType = contentType;
        Content = content;
        Version = Convert.ToHexStringLower(SHA256.HashData(content))[..16];
        _brotli = new Lazy<byte[]>(Compress);
    }

    public string ContentType { get; }

    public byte[] Content { get; }

    /// <summary>Changes with the content.</summary>
    public string Version { get; }

    public string ETag => $"\"{Version}\"";

    public byte[] Brotli => _brotli.Value;

    private byte[] Compress()
    {
        using var target = new MemoryStream();
        using (var brotli = new BrotliStream(target, CompressionLevel.Optimal))
        {
            brotli.Write(Content);
        }

        return target.ToArray();
    }
}
