using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Repository;

/// <summary>Reflection at run time breaks what is trimmed, and nobody sees whom it calls: each use of it in the SDK is one that was decided on.</summary>
public sealed partial class ReflectionTests
{
    private static readonly string[] Projects = ["src/MLflow.Tracing/", "src/MLflow.AspNetCore/", "src/MLflow.Extensions.AI/"];

    private static readonly Dictionary<string, string> Allowed = new()
    {
        ["src/MLflow.Tracing/Client/EmbeddedStore.cs"] = "the server of the full package (ADR 0015)",
        ["src/MLflow.Tracing/Decorator/HotReloadNotice.cs"] = "methods that hot reload has changed (ADR 0009)",
        ["src/MLflow.Tracing/Decorator/OpaqueValues.cs"] = "whether a value is a collection that may be read",
        ["src/MLflow.Tracing/Decorator/UnwovenAssemblies.cs"] = "marks of assemblies that were not woven (ADR 0009)",
        ["src/MLflow.Tracing/Export/SdkInfo.cs"] = "our own version",
        ["src/MLflow.Tracing/Spans/ValueEncoder.cs"] = "System.Text.Json, where the program has it",
    };

    [Fact]
    public void Reflection_InTheSdk_IsWhereItIsAllowed()
    {
        var used = RepositoryFiles.AllTexts()
            .Where(file => Projects.Any(project => file.Path.StartsWith(project, StringComparison.Ordinal)) && file.Path.EndsWith(".cs", StringComparison.Ordinal) && Reflection().IsMatch(file.Text))
            .Select(file => file.Path);

        Assert.Equal(Allowed.Keys.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"\bType\.GetType\(|\bActivator\.|\bBindingFlags\b|\.(GetMethods?|GetFields?|GetProperties|GetConstructors?|GetMembers?|GetInterfaces|GetTypes|GetCustomAttributes?|MakeGenericType|MakeGenericMethod|DynamicInvoke)(<[^>(]*>)?\(|\bAssembly\.Load|""Trimming""")]
    private static partial Regex Reflection();
}
