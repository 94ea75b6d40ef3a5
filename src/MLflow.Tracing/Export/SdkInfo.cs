using System.Reflection;

namespace MLflow;

/// <summary>What the SDK says of itself to a server.</summary>
internal static class SdkInfo
{
    public const string Name = "MLflow.Tracing";

    public static string Version { get; } = ReadVersion();

    private static string ReadVersion()
    {
        var version = typeof(SdkInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
        var build = version.IndexOf('+', StringComparison.Ordinal);
        return build < 0 ? version : version[..build];
    }
}
