//! Passwords of nobody in particular: settings, calls, commands and structures that no name of a provider marks.
//!
//! Where the place says that a value is a password, as in the arguments of a driver or the option of a tool, a weak one is
//! found as well; behind a mere name like `password`, one that follows the usual rules for passwords.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};

/// A password as rules for passwords want it, `@@` in the texts.
const STRONG: &str = "Kq7vTx2Lm9Wd";
/// One as people choose it, `@w` in the texts.
const WEAK: &str = "sunshine77";

/// Ways of writing a password, all of which have to be shown by default.
const TEXTS: &[(&str, &str)] = &[
    ("setPassword java", "dataSource.setPassword(\"@@\");\n"),
    ("builder .password", "MongoCredential.builder()\n  .user(\"app\")\n  .password(\"@@\")\n"),
    ("withPassword", "config.withPassword(\"@@\")\n"),
    ("yaml block", "password: |\n  @@\n"),
    ("yaml fold", "db:\n  password: >-\n    @@\n"),
    ("mysql -p", "mysql -u root -p@@ shop\n"),
    ("mysql -p''", "mysql -u root -p'@@' shop\n"),
    ("--password=", "pg_restore --username=app --password=@@ dump.sql\n"),
    ("--password sp", "mytool --user app --password @@\n"),
    ("PGPASSWORD", "PGPASSWORD=@@ psql -h db -U app\n"),
    ("PGPASSWORD weak", "PGPASSWORD=@w psql -h db -U app\n"),
    ("MYSQL_PWD", "MYSQL_PWD=@@ mysql -u app\n"),
    ("sshpass", "sshpass -p @@ ssh root@10.0.0.4\n"),
    ("sshpass quote", "sshpass -p '@w' ssh root@10.0.0.4\n"),
    ("conn ado", "Server=db1;Database=shop;User Id=sa;Password=@@;\n"),
    ("conn libpq", "host=db1 user=app password=@@ dbname=shop\n"),
    ("conn jdbc", "jdbc:mysql://db1:3306/shop?user=app&password=@@\n"),
    ("conn jdbc sqlserver", "jdbc:sqlserver://db1;databaseName=shop;user=sa;password=@@;\n"),
    ("conn oracle thin", "jdbc:oracle:thin:app/@@@db1:1521:ORCL\n"),
    ("sqlplus", "sqlplus app/@@@//db1:1521/ORCL\n"),
    ("conn amqp", "amqp://app:@@@mq1:5672/\n"),
    ("conn redis", "redis://:@@@cache1:6379/0\n"),
    ("conn mongo", "mongodb+srv://app:@@@c0.ab1cd.mongodb.net/\n"),
    (
        "conn kafka jaas",
        "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\" password=\"@@\";\n",
    ),
    ("conn neo4j", "bolt://neo4j:@@@graph1:7687\n"),
    ("go dsn", "dsn := \"app:@@@tcp(db1:3306)/shop?parseTime=true\"\n"),
    ("odbc", "Driver={ODBC Driver 17 for SQL Server};Server=db1;UID=sa;PWD=@@\n"),
    (
        "django weak",
        "DATABASES = {\n 'default': {\n  'ENGINE': 'django.db.backends.mysql',\n 'USER': 'app',\n  'PASSWORD': '@w',\n }\n}\n",
    ),
    ("k8s stringData", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: @w\n"),
    ("helm values", "postgresql:\n  auth:\n    postgresPassword: @@\n"),
    ("helm weak", "postgresql:\n  auth:\n    postgresPassword: \"@w\"\n"),
    ("ansible", "ansible_ssh_pass: @w\n"),
    ("ansible become", "web1 ansible_host=10.0.0.4 ansible_user=root ansible_become_pass=@w\n"),
    ("tf var", "variable \"db_password\" {\n  type    = string\n  default = \"@@\"\n}\n"),
    ("tfvars", "db_password = \"@@\"\n"),
    ("tfvars weak", "db_password = \"@w\"\n"),
    ("compose list", "services:\n  db:\n    environment:\n      - MYSQL_ROOT_PASSWORD=@w\n"),
    ("compose map", "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: @w\n"),
    ("gha env", "jobs:\n  build:\n    env:\n      DEPLOY_PASSWORD: @@\n"),
    ("spring props", "spring.datasource.password=@w\n"),
    ("spring yaml", "spring:\n  datasource:\n    username: app\n    password: @w\n"),
    ("appsettings", "{\"Smtp\": {\"User\": \"app\", \"Password\": \"@@\"}}\n"),
    ("web.config", "<add key=\"DbPassword\" value=\"@@\" />\n"),
    (
        "web.config conn",
        "<add name=\"Db\" connectionString=\"Data Source=db1;Initial Catalog=shop;User ID=sa;Password=@w\" />\n",
    ),
    ("php array", "return [\n  'username' => 'app',\n  'password' => '@@',\n];\n"),
    ("php mysqli", "$db = new mysqli(\"localhost\", \"app\", \"@w\", \"shop\");\n"),
    ("php pdo", "$db = new PDO(\"mysql:host=localhost;dbname=shop\", \"app\", \"@w\");\n"),
    ("ruby hash", "{ username: \"app\", password: \"@@\" }\n"),
    ("ruby rocket", ":password => \"@@\",\n"),
    ("go struct", "cfg := Config{User: \"app\", Password: \"@@\"}\n"),
    ("go struct weak", "cfg := Config{User: \"app\", Password: \"@w\"}\n"),
    ("java DriverManager", "DriverManager.getConnection(\"jdbc:mysql://db1/shop\", \"app\", \"@w\");\n"),
    ("python kwargs", "conn = psycopg2.connect(host=\"db1\", user=\"app\", password=\"@@\")\n"),
    ("python kwargs weak", "conn = psycopg2.connect(host=\"db1\", user=\"app\", password=\"@w\")\n"),
    ("python requests auth", "requests.get(url, auth=(\"app\", \"@@\"))\n"),
    ("js obj", "mysql.createConnection({ host: 'db1', user: 'app', password: '@@' })\n"),
    ("js obj weak", "mysql.createConnection({ host: 'db1', user: 'app', password: '@w' })\n"),
    ("heredoc", "cat > ~/.my.cnf <<EOF\n[client]\nuser=app\npassword=@w\nEOF\n"),
    (".pgpass", "db1:5432:shop:app:@w\n"),
    ("my.cnf", "[client]\nuser=app\npassword=@w\n"),
    ("wpa", "network={\n  ssid=\"home\"\n  psk=\"@w\"\n}\n"),
    ("nm", "[wifi-security]\nkey-mgmt=wpa-psk\npsk=@w\n"),
    ("cisco 0", "username admin privilege 15 password 0 @w\n"),
    ("cisco enable", "enable secret 0 @w\n"),
    ("ldif", "dn: uid=ann,dc=acme,dc=test\nuserPassword: @w\n"),
    ("curl -u", "curl -u app:@w https://intra.acme.com/\n"),
    ("wget", "wget --user=app --password=@w https://intra.acme.com/x\n"),
    ("net use", "net use Z: \\\\srv1\\share /user:ACME\\ann @w\n"),
    ("powershell", "ConvertTo-SecureString \"@w\" -AsPlainText -Force\n"),
    ("create user", "CREATE USER app IDENTIFIED BY '@w';\n"),
    ("alter role", "ALTER ROLE app WITH PASSWORD '@w';\n"),
    ("smtp login", "server.login(\"ann@acme.com\", \"@@\")\n"),
    ("rclone", "[remote]\ntype = sftp\nhost = x\nuser = app\npass = @w\n"),
    ("redis conf", "requirepass @w\n"),
    ("redis-cli", "redis-cli -h c1 -a @w ping\n"),
    ("netrc", "machine git.acme.com login ann password @w\n"),
    ("docker login", "docker login -u ann -p @w registry.acme.com\n"),
    ("az login", "az login --service-principal -u app -p @@ --tenant t1\n"),
    ("openssl pass", "openssl enc -aes-256-cbc -in a -out b -pass pass:@w\n"),
    ("keytool", "keytool -genkey -keystore k.jks -storepass @w -alias a\n"),
    ("zip -P", "zip -P @w out.zip in.txt\n"),
    ("7z -p", "7z a -p@@ out.7z in\n"),
    ("tomcat users", "<user username=\"admin\" password=\"@w\" roles=\"manager-gui\"/>\n"),
    ("maven settings", "<server><id>x</id><username>app</username><password>@w</password></server>\n"),
    ("hibernate", "<property name=\"hibernate.connection.password\">@w</property>\n"),
    ("persistence", "<property name=\"javax.persistence.jdbc.password\" value=\"@w\"/>\n"),
    ("spring bean", "<bean><property name=\"password\" value=\"@@\"/></bean>\n"),
    ("gradle", "signingConfigs { release { storePassword \"@w\"\n keyPassword \"@w\" } }\n"),
    ("radius", "client 10.0.0.1 {\n secret = @@\n}\n"),
    ("ipsec", ": PSK \"@w\"\n"),
    ("env secret", "SESSION_SECRET=@@@@\n"),
    ("const secret", "const JWT_SECRET = \"@@@@\";\n"),
    ("kotlin", "val password = \"@@\"\n"),
    ("rust", "let password = \"@@\";\n"),
    ("perl dbi", "DBI->connect(\"DBI:mysql:shop\", \"app\", \"@w\");\n"),
    ("ftp url", "ftp://app:@w@ftp.acme.com/\n"),
    ("unattend", "<AdministratorPassword><Value>@w</Value><PlainText>true</PlainText></AdministratorPassword>\n"),
    ("json pw", "{\"username\":\"app\",\"password\":\"@@\"}\n"),
    ("prose", "The password for the share is @@.\n"),
    ("chat", "user: ann pw: @@\n"),
    ("csv", "name,user,password\nshop,ann,@@\n"),
];

#[test]
fn passwords_are_shown_wherever_they_are_written() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch());
    let mut scratch = Scratch::new();
    let mut missed = Vec::new();
    for (name, text) in TEXTS {
        let password = if text.contains("@@") { STRONG } else { WEAK };
        let text = text.replace("@@", STRONG).replace("@w", WEAK);
        let mut collected = Collected::default();
        let job = Job { name: "example.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
        inspector.inspect(&mut scratch, job, &mut collected);
        let is_shown = collected.findings.iter().any(|finding| {
            finding.confidence.level() >= ConfidenceLevel::Medium
                && String::from_utf8_lossy(finding.value.expose()).contains(password)
        });
        if !is_shown {
            missed.push(*name);
        }
    }
    assert!(missed.is_empty(), "{} of {} are not shown: {missed:?}", missed.len(), TEXTS.len());
}
