using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MLflow.EndToEnd.Tests.Cli;
using Xunit;

namespace MLflow.Tests.Databricks.Programs;

/// <summary>The C# examples of a page of documentation, compiled into one program that runs them one after the other.</summary>
internal sealed partial class GuideProgram : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlflow-guide-");

    public GuideProgram(string page)
    {
        Examples = [.. Example.Matches(File.ReadAllText(Path.Combine(Repository, page))).Select(match => match.Groups[1].Value)];
        for (var i = 0; i < Examples.Count; i++)
        {
            File.WriteAllText(Path.Combine(_folder.FullName, $"Example{i}.cs"), AsClass(Examples[i], i));
        }

        File.WriteAllText(Path.Combine(_folder.FullName, "Program.cs"), Runner(Examples.Count));
        var build = Path.Combine(Repository, "src/MLflow.Tracing.Weaver/build/MLflow.Tracing");
        File.WriteAllText(Path.Combine(_folder.FullName, "Directory.Build.props"), $"<Project><Import Project=\"{build}.props\" /></Project>");
        File.WriteAllText(Path.Combine(_folder.FullName, "Directory.Build.targets"), $"<Project><Import Project=\"{build}.targets\" /></Project>");
        File.WriteAllText(
            Path.Combine(_folder.FullName, "Guide.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <!-- An example without a wait in it is no asynchronous method. -->
                <NoWarn>CS1998</NoWarn>
                <UseSharedCompilation>false</UseSharedCompilation>
                <MlflowWeaverAssembly>{Repository}/artifacts/bin/MLflow.Tracing.Weaver/release/MLflow.Tracing.Weaver.dll</MlflowWeaverAssembly>
              </PropertyGroup>
              <ItemGroup>
                <FrameworkReference Include="Microsoft.AspNetCore.App" />
                <Reference Include="{AppContext.BaseDirectory}MLflow.Tracing.dll" />
                <Reference Include="{AppContext.BaseDirectory}OpenAI.dll" />
                <Reference Include="{AppContext.BaseDirectory}System.ClientModel.dll" />
                <Reference Include="{AppContext.BaseDirectory}System.Memory.Data.dll" />
              </ItemGroup>
            </Project>
            """);
    }

    public static string Repository { get; } = FindRepository();

    public IReadOnlyList<string> Examples { get; }

    public async Task BuildAsync(CancellationToken cancellationToken)
    {
        await using var build = CliProcess.DotNet(_folder.FullName, ["build", "-c", "Release", "-nodeReuse:false", "-tl:off", "-nologo"]);
        Assert.True(await build.WaitAsync(cancellationToken) == 0, build.Output + build.Errors);
    }

    public async Task<string> RunAsync(CancellationToken cancellationToken, params (string Name, string Value)[] environment)
    {
        await using var run = CliProcess.DotNet(_folder.FullName, [Path.Combine(_folder.FullName, "bin", "Release", "net10.0", "Guide.dll")], environment);
        Assert.True(await run.WaitAsync(cancellationToken) == 0, run.Output + run.Errors);
        return run.Output + run.Errors;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [GeneratedRegex("^```csharp\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Example { get; }

    /// <summary>A whole program becomes a method: its usings go before it, and the rest is what a program's own lines are.</summary>
    private static string AsClass(string example, int number)
    {
        var usings = new StringBuilder();
        var body = new StringBuilder();
        foreach (var line in example.Split('\n'))
        {
            (line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('=', StringComparison.Ordinal) ? usings : body).Append(line).Append('\n');
        }

        return string.Create(CultureInfo.InvariantCulture, $"{usings}internal static class Example{number}\n{{\npublic static async Task RunAsync()\n{{\n{body}}}\n}}\n");
    }

    private static string Runner(int count)
    {
        var text = new StringBuilder("using MLflow;\n");
        for (var i = 0; i < count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"Console.WriteLine(\"\\n--- {i}\");\nawait Example{i}.RunAsync();\n");
        }

        text.Append("var flushed = await Mlflow.FlushAsync();\nConsole.WriteLine($\"\\n--- flushed {flushed.Exported} {flushed.Pending} {flushed.Dropped} {flushed.LastError}\");\n");
        return text.ToString();
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("No MLflow.slnx above the tests.");
    }
}
