using System.Diagnostics.CodeAnalysis;

namespace MLflow;

/// <summary>Addresses that others tell. A path alone is an address of a file on Linux and macOS, and so no reason to go on.</summary>
internal static class WebAddress
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out Uri? address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address) && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp);

    /// <summary>One that a secret may be sent to: by https, or to this machine.</summary>
    public static bool TryParseSafe(string? text, [NotNullWhen(true)] out Uri? address) =>
        TryParse(text, out address) && (address.Scheme == Uri.UriSchemeHttps || address.IsLoopback);
}
